using System.Buffers.Binary;

namespace ZeroOS.Vmm.Pci;

/// <summary>
/// The configuration space of one function (PCI 3.0, chapter 6): 256 bytes with a mask of what the guest may change. Its one BAR is assigned by us; the guest
/// may size it, but the device stays where it was put.
/// </summary>
internal abstract unsafe class PciFunction
{
    private const int Command = 4, Status = 6, Bar0 = 0x10, CapabilityPointer = 0x34, FirstCapability = 0x40;
    private const byte MsixId = 0x11;
    private readonly byte[] _config = new byte[256];
    private readonly byte[] _writable = new byte[256];
    private readonly Lock _gate = new();
    private int _nextCapability = FirstCapability;
    private int _lastPointer = CapabilityPointer;
    private int _msix = -1;
    private byte* _copy;

    /// <summary>A type 0 header.</summary>
    protected PciFunction(ushort vendor, ushort device, uint classCode, byte revision, ushort subsystem)
    {
        Set16(0, vendor);
        Set16(2, device);
        _config[8] = revision;
        _config[9] = (byte)classCode;
        _config[10] = (byte)(classCode >> 8);
        _config[11] = (byte)(classCode >> 16);
        Set16(0x2c, vendor);
        Set16(0x2e, subsystem);
        // Memory decoding and bus mastering are on from the start, as firmware leaves them; INTx can be turned off.
        Set16(Command, 6);
        BinaryPrimitives.WriteUInt16LittleEndian(_writable.AsSpan(Command), 0x0406);
        _writable[0x3c] = 0xff;
    }

    /// <summary>Where the BAR is.</summary>
    public ulong BarAddress { get; private set; }

    /// <summary>Bytes of the BAR, a power of two.</summary>
    public uint BarSize { get; private set; }

    /// <summary>Assigns the 32-bit memory BAR.</summary>
    public void AssignBar(ulong address, uint size)
    {
        (BarAddress, BarSize) = (address, size);
        BinaryPrimitives.WriteUInt32LittleEndian(_config.AsSpan(Bar0), (uint)address);
        BinaryPrimitives.WriteUInt32LittleEndian(_writable.AsSpan(Bar0), ~(size - 1));
    }

    /// <summary>From now on the 256 bytes are also at <paramref name="page"/>, where the guest reads them without an exit.</summary>
    public void KeepCopyAt(byte* page)
    {
        lock (_gate)
        {
            _copy = page;
            Copy(0, _config.Length);
        }
    }

    /// <summary>A processor's read of configuration space.</summary>
    public void ReadConfig(int offset, Span<byte> data)
    {
        // Beyond the first 256 bytes there is no extended capability: zeros.
        data.Clear();
        lock (_gate)
        {
            if (offset + data.Length <= _config.Length)
                _config.AsSpan(offset, data.Length).CopyTo(data);
        }
    }

    /// <summary>A processor's write of configuration space.</summary>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset + data.Length > _config.Length)
            return;
        lock (_gate)
        {
            for (int i = 0; i < data.Length; i++)
            {
                byte mask = _writable[offset + i];
                _config[offset + i] = (byte)((_config[offset + i] & ~mask) | (data[i] & mask));
            }
            Copy(offset, data.Length);
            if (_msix >= 0 && offset < _msix + 4 && offset + data.Length > _msix + 2)
                OnMsixControl((_config[_msix + 3] & 0x80) != 0, (_config[_msix + 3] & 0x40) != 0);
        }
    }

    /// <summary>Adds a capability: <paramref name="body"/> is what follows its id and next pointer.</summary>
    protected int AddCapability(byte id, ReadOnlySpan<byte> body)
    {
        int at = _nextCapability;
        _config[_lastPointer] = (byte)at;
        _config[at] = id;
        body.CopyTo(_config.AsSpan(at + 2));
        _config[Status] |= 0x10;
        _lastPointer = at + 1;
        _nextCapability = (at + 2 + body.Length + 3) & ~3;
        return at;
    }

    /// <summary>Adds MSI-X with table and pending bits in the BAR.</summary>
    protected void AddMsix(int vectors, uint tableOffset, uint pendingOffset)
    {
        Span<byte> body = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)(vectors - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(body[2..], tableOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(body[6..], pendingOffset);
        _msix = AddCapability(MsixId, body);
        _writable[_msix + 3] = 0xc0;
    }

    /// <summary>The guest wrote MSI-X message control.</summary>
    protected abstract void OnMsixControl(bool enabled, bool masked);

    // Only what changed: another processor may be reading the rest.
    private void Copy(int offset, int length)
    {
        // SAFETY: KeepCopyAt gave 256 bytes, and the callers' ranges are inside _config.
        if (_copy != null)
            _config.AsSpan(offset, length).CopyTo(new Span<byte>(_copy + offset, length));
    }

    private void Set16(int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(_config.AsSpan(offset), value);
}
