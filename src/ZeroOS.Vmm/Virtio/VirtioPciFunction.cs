using ZeroOS.Linux;
using ZeroOS.Vmm.Cpu;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Memory;
using ZeroOS.Vmm.Pci;

namespace ZeroOS.Vmm.Virtio;

/// <summary>
/// The modern PCI transport (virtio 1.2, 4.1): one BAR with common configuration, device configuration, notifications and MSI-X. Registers belong to processor
/// threads under a lock; queues and the device belong to the event loop, which activation and reset reach as commands.
/// </summary>
internal sealed class VirtioPciFunction : PciFunction, IBusDevice, IEventSource
{
    /// <summary>Bytes of the BAR, and where its parts are.</summary>
    public const uint BarBytes = 0x4000, IsrOffset = 0x100, ConfigOffset = 0x200, ConfigBytes = 0x100, NotifyOffset = 0x1000, MsixOffset = 0x2000,
        PendingOffset = 0x3000;

    private const ushort Vendor = 0x1af4;
    private const byte VendorCapability = 9;
    private const int CommandTag = -1, NotifyMultiplier = 4;
    private readonly VirtioDevice _device;
    private readonly CommonConfig _common;
    private readonly GuestMemory _memory;
    private readonly MsixTable _msix;
    private readonly EventFd _command = new();
    private readonly EventFd[] _kicks;
    private readonly IInterrupt[] _interrupts;

    /// <summary>A function for <paramref name="device"/>; without routes it is a played driver's.</summary>
    public VirtioPciFunction(VirtioDevice device, GuestMemory memory, InterruptRoutes? routes, EventLoop loop)
        : base(Vendor, (ushort)(0x1040 + device.Id), device.PciClass, 1, (ushort)(0x40 + device.Id))
    {
        _device = device;
        _memory = memory;
        int queues = device.QueueSizes.Length;
        _msix = new MsixTable(queues + 1, routes);
        _common = new CommonConfig(device.Features, device.QueueSizes, _msix.Count, device.Config, _command.Signal);
        AddVirtioCapability(1, 0, CommonConfig.Size);
        AddVirtioCapability(2, NotifyOffset, (uint)(queues * NotifyMultiplier), NotifyMultiplier);
        AddVirtioCapability(3, IsrOffset, 4);
        AddVirtioCapability(4, ConfigOffset, ConfigBytes);
        AddMsix(_msix.Count, MsixOffset, PendingOffset);

        _kicks = new EventFd[queues];
        _interrupts = new IInterrupt[queues];
        for (int i = 0; i < queues; i++)
        {
            _kicks[i] = new EventFd();
            _interrupts[i] = new QueueInterrupt(_msix, _common, i);
            loop.Add(_kicks[i].Descriptor, Readiness.Readable, this, i);
        }
        loop.Add(_command.Descriptor, Readiness.Readable, this, CommandTag);
        device.Broken = OnBroken;
        device.ConfigChanged = () => _msix.Signal(_common.ConfigVector);
        device.Again = queue => _kicks[queue].Signal();
    }

    /// <summary>The device behind it.</summary>
    public VirtioDevice Device => _device;

    /// <summary>The last rule the driver broke, or null.</summary>
    public string? Fault { get; private set; }

    /// <summary>The event of each queue's notification, and the address that signals it relative to the BAR.</summary>
    public IEnumerable<(EventFd Kick, uint Offset, ushort Value)> Notifications =>
        _kicks.Select((kick, i) => (kick, NotifyOffset + ((uint)i * NotifyMultiplier), (ushort)i));

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        switch (offset)
        {
            case < CommonConfig.Size:
                _common.Read((int)offset, data);
                break;
            case >= MsixOffset:
                _msix.Read(offset - MsixOffset, data);
                break;
            case >= ConfigOffset and < ConfigOffset + ConfigBytes:
                _device.Config.Read((int)(offset - ConfigOffset), data);
                break;
            default:
                // The interrupt status too: with MSI-X only, it is never set.
                data.Clear();
                break;
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        switch (offset)
        {
            case < CommonConfig.Size:
                _common.Write((int)offset, data);
                break;
            case >= MsixOffset:
                _msix.Write(offset - MsixOffset, data);
                break;
            case >= NotifyOffset:
                // KVM takes what the driver should write; anything else lands here, and a notification is a hint by its address.
                ulong queue = (offset - NotifyOffset) / NotifyMultiplier;
                if (queue < (ulong)_kicks.Length)
                    _kicks[queue].Signal();
                break;
            case >= ConfigOffset and < ConfigOffset + ConfigBytes:
                _device.Config.Write((int)(offset - ConfigOffset), data);
                break;
            default:
                break;
        }
    }

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        if (tag == CommandTag)
        {
            _ = _command.Take();
            Obey();
            return;
        }
        _ = _kicks[tag].Take();
        _device.Notify(tag);
    }

    /// <inheritdoc/>
    protected override void OnMsixControl(bool enabled, bool masked) => _msix.SetControl(enabled, masked);

    private void Obey()
    {
        switch (_common.TakeCommand(out ulong features))
        {
            case DeviceCommand.Activate:
                var queues = new VirtQueue?[_kicks.Length];
                for (int i = 0; i < queues.Length; i++)
                {
                    QueueLayout layout = _common.Queue(i);
                    if (!layout.Enabled)
                        continue;
                    queues[i] = VirtQueue.TryCreate(_memory, layout, _device.QueueSizes[i], features, _interrupts[i]);
                    if (queues[i] == null)
                    {
                        OnBroken($"queue {i} is misplaced");
                        return;
                    }
                }
                _device.Activate(queues, features);
                break;
            case DeviceCommand.Reset:
                _device.Reset();
                _common.FinishReset();
                break;
        }
    }

    private void OnBroken(string reason)
    {
        Fault = reason;
        _msix.Signal(_common.NeedsReset());
    }

    private void AddVirtioCapability(byte type, uint offset, uint length, uint? multiplier = null)
    {
        // struct virtio_pci_cap after id and next: length, type, bar, id, padding, offset, length (4.1.4).
        byte[] body = new byte[multiplier == null ? 14 : 18];
        body[0] = (byte)(body.Length + 2);
        body[1] = type;
        BitConverter.TryWriteBytes(body.AsSpan(6), offset);
        BitConverter.TryWriteBytes(body.AsSpan(10), length);
        if (multiplier is { } m)
            BitConverter.TryWriteBytes(body.AsSpan(14), m);
        AddCapability(VendorCapability, body);
    }

    private sealed class QueueInterrupt(MsixTable msix, CommonConfig common, int queue) : IInterrupt
    {
        public void Signal() => msix.Signal(common.Queue(queue).Vector);
    }
}
