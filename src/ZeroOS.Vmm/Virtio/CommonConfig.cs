using System.Buffers.Binary;

namespace ZeroOS.Vmm.Virtio;

/// <summary>
/// struct virtio_pci_common_cfg (virtio 1.2, 4.1.4.3) and the state machine of the status register. Features can be written only before FEATURES_OK, queues
/// only before DRIVER_OK: what an active device works with never changes. A refused write is counted, not an error.
/// </summary>
internal sealed class CommonConfig
{
    /// <summary>Bytes of the structure.</summary>
    public const int Size = 0x38;

    private const byte Acknowledge = 1, Driver = 2, DriverOk = 4, FeaturesOk = 8, NeedsResetBit = 0x40, Failed = 0x80;
    private const ushort NoVector = 0xffff;
    private readonly ulong _offered;
    private readonly ushort[] _maxSizes;
    private readonly QueueLayout[] _queues;
    private readonly int _vectors;
    private readonly ConfigSpace _device;
    private readonly Action _signal;
    private readonly Lock _gate = new();
    private uint _deviceFeatureSelect, _driverFeatureSelect;
    private ulong _features;
    private ushort _configVector = NoVector, _queueSelect;
    private byte _status;
    private DeviceCommand _command;

    /// <summary>
    /// A device that was not yet touched. <paramref name="device"/> is its own configuration, whose generation is read here; <paramref name="signal"/> tells
    /// the event loop that there is a command.
    /// </summary>
    public CommonConfig(ulong offered, ReadOnlySpan<ushort> queueSizes, int vectors, ConfigSpace device, Action signal)
    {
        (_offered, _maxSizes, _vectors, _device, _signal) = (offered, queueSizes.ToArray(), vectors, device, signal);
        _queues = new QueueLayout[queueSizes.Length];
        Clear();
    }

    /// <summary>Writes the driver made where it may not.</summary>
    public long Refused { get; private set; }

    /// <summary>The vector of configuration changes, or 0xffff: none, or the driver is not ready to be told anything (4.1.5.2).</summary>
    public int ConfigVector
    {
        get
        {
            lock (_gate)
                return (_status & DriverOk) != 0 ? _configVector : NoVector;
        }
    }

    /// <summary>What the driver said about a queue; final once the device is active.</summary>
    public QueueLayout Queue(int index)
    {
        lock (_gate)
            return _queues[index];
    }

    /// <summary>The event loop takes what is to be done.</summary>
    public DeviceCommand TakeCommand(out ulong features)
    {
        lock (_gate)
        {
            features = _features;
            DeviceCommand command = _command;
            // A reset stays until it is finished: the driver reads the old status until then.
            if (command != DeviceCommand.Reset)
                _command = DeviceCommand.None;
            return command;
        }
    }

    /// <summary>The device is reset: status reads 0.</summary>
    public void FinishReset()
    {
        lock (_gate)
            Clear();
    }

    /// <summary>Sets DEVICE_NEEDS_RESET and returns the vector of configuration changes.</summary>
    public int NeedsReset()
    {
        lock (_gate)
        {
            _status |= NeedsResetBit;
            return _configVector;
        }
    }

    /// <summary>A processor's read.</summary>
    public void Read(int offset, Span<byte> data)
    {
        data.Clear();
        Span<byte> all = stackalloc byte[Size];
        all.Clear();
        lock (_gate)
        {
            bool known = _queueSelect < _queues.Length;
            QueueLayout q = known ? _queues[_queueSelect] : default;
            BinaryPrimitives.WriteUInt32LittleEndian(all, _deviceFeatureSelect);
            BinaryPrimitives.WriteUInt32LittleEndian(all[4..], Half(_offered, _deviceFeatureSelect));
            BinaryPrimitives.WriteUInt32LittleEndian(all[8..], _driverFeatureSelect);
            BinaryPrimitives.WriteUInt32LittleEndian(all[12..], Half(_features, _driverFeatureSelect));
            BinaryPrimitives.WriteUInt16LittleEndian(all[16..], _configVector);
            BinaryPrimitives.WriteUInt16LittleEndian(all[18..], (ushort)_queues.Length);
            all[20] = _status;
            all[21] = _device.Generation;
            BinaryPrimitives.WriteUInt16LittleEndian(all[22..], _queueSelect);
            BinaryPrimitives.WriteUInt16LittleEndian(all[24..], q.Size);
            BinaryPrimitives.WriteUInt16LittleEndian(all[26..], known ? q.Vector : NoVector);
            BinaryPrimitives.WriteUInt16LittleEndian(all[28..], (ushort)(q.Enabled ? 1 : 0));
            BinaryPrimitives.WriteUInt16LittleEndian(all[30..], (ushort)(known ? _queueSelect : 0));
            BinaryPrimitives.WriteUInt64LittleEndian(all[32..], q.Descriptors);
            BinaryPrimitives.WriteUInt64LittleEndian(all[40..], q.Available);
            BinaryPrimitives.WriteUInt64LittleEndian(all[48..], q.Used);
        }
        if (offset + data.Length <= Size)
            all.Slice(offset, data.Length).CopyTo(data);
    }

    /// <summary>A processor's write.</summary>
    public void Write(int offset, ReadOnlySpan<byte> data)
    {
        if (offset + data.Length > Size)
            return;
        Span<byte> wide = stackalloc byte[8];
        wide.Clear();
        data.CopyTo(wide);
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(wide);
        bool signal;
        lock (_gate)
        {
            DeviceCommand before = _command;
            if (!TryWrite(offset, data.Length, value))
                Refused++;
            signal = _command != DeviceCommand.None && _command != before;
        }
        if (signal)
            _signal();
    }

    private static uint Half(ulong value, uint select) => select switch { 0 => (uint)value, 1 => (uint)(value >> 32), _ => 0 };

    private bool TryWrite(int offset, int length, ulong value)
    {
        if (_command == DeviceCommand.Reset)
            return false;
        bool configurable = (_status & DriverOk) == 0;
        switch (offset, length)
        {
            case (0, 4):
                _deviceFeatureSelect = (uint)value;
                return true;
            case (8, 4):
                _driverFeatureSelect = (uint)value;
                return true;
            case (12, 4) when (_status & (Driver | FeaturesOk)) == Driver && _driverFeatureSelect < 2:
                int shift = (int)_driverFeatureSelect * 32;
                _features = (_features & ~(0xffffffffUL << shift)) | ((value << shift) & _offered);
                return true;
            case (16, 2) when configurable:
                _configVector = Vector(value);
                return true;
            case (20, 1):
                return TrySetStatus((byte)value);
            case (22, 2):
                _queueSelect = (ushort)value;
                return true;
            default:
                return configurable && offset >= 24 && _queueSelect < _queues.Length && TryWriteQueue(ref _queues[_queueSelect], offset, length, value);
        }
    }

    private bool TryWriteQueue(ref QueueLayout q, int offset, int length, ulong value)
    {
        switch (offset, length)
        {
            case (24, 2) when !q.Enabled && value <= _maxSizes[_queueSelect]:
                q.Size = (ushort)value;
                return true;
            case (26, 2):
                q.Vector = Vector(value);
                return true;
            case (28, 2) when value == 1 && (_status & FeaturesOk) != 0:
                q.Enabled = true;
                return true;
            case ( >= 32, 4 or 8) when !q.Enabled && offset % length == 0:
                int shift = offset % 8 * 8;
                ulong mask = length == 8 ? ulong.MaxValue : 0xffffffffUL << shift;
                ulong bits = value << shift;
                if (offset < 40)
                    q.Descriptors = (q.Descriptors & ~mask) | bits;
                else if (offset < 48)
                    q.Available = (q.Available & ~mask) | bits;
                else
                    q.Used = (q.Used & ~mask) | bits;
                return true;
            default:
                return false;
        }
    }

    private bool TrySetStatus(byte value)
    {
        if (value == 0)
        {
            // A device that never ran is reset here and now: its driver reads a status of 0 at once and does not wait for the event loop.
            if ((_status & DriverOk) == 0)
                Clear();
            else
                _command = DeviceCommand.Reset;
            return true;
        }
        if ((value & Failed) != 0)
        {
            _status |= Failed;
            return true;
        }
        // One step at a time, none backwards: ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK (3.1.1).
        byte now = (byte)(_status & (Acknowledge | Driver | FeaturesOk | DriverOk)), next = (byte)(value & ~NeedsResetBit);
        bool allowed = (now, next) switch
        {
            (0, 1) or (1, 3) or (0, 3) => true,
            (3, 11) => (_features & VirtioFeatures.Version1) != 0,
            (11, 15) => true,
            _ => now == next,
        };
        if (!allowed)
            return false;
        _status = (byte)((_status & NeedsResetBit) | next);
        if (now == 11 && next == 15)
            _command = DeviceCommand.Activate;
        return true;
    }

    private ushort Vector(ulong value) => value < (ulong)_vectors ? (ushort)value : NoVector;

    private void Clear()
    {
        (_status, _features, _configVector, _queueSelect, _command) = (0, 0, NoVector, 0, DeviceCommand.None);
        for (int i = 0; i < _queues.Length; i++)
            _queues[i] = new QueueLayout { Size = _maxSizes[i], Vector = NoVector };
    }
}
