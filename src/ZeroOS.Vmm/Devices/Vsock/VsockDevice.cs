using ZeroOS.Linux;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>
/// virtio-vsock (virtio 1.2, 5.10) in this process, without the host's vsock: a guest that connects to the host gets a stream socket whose other end goes to
/// the node. The guest connects, the host never does. Bounded everywhere: connections, bytes per connection, resets owed.
/// </summary>
internal sealed partial class VsockDevice : VirtioDevice, IEventSource
{
    private const int ReceiveQueue = 0, TransmitQueue = 1, QueueSize = 128, MaxConnections = 256, MaxResets = 128, MaxData = 64 * 1024, Budget = 16,
        TurnPackets = QueueSize;
    private const ulong HostCid = 2;
    private static readonly ushort[] s_sizes = [QueueSize, QueueSize, QueueSize];
    private readonly DescriptorChain _chain = new(QueueSize);
    private readonly DescriptorChain _answer = new(QueueSize);
    private readonly MemoryPart[] _parts = GC.AllocateArray<MemoryPart>(QueueSize, pinned: true);
    private readonly VsockConnection?[] _connections = new VsockConnection?[MaxConnections];
    private readonly (uint Guest, uint Host)[] _resets = new (uint, uint)[MaxResets];
    private readonly AcceptBucket _bucket;
    private readonly EventLoop _loop;
    private readonly Func<uint, FileDescriptor, bool> _accept;
    private readonly uint _guestCid;
    private readonly Action<VirtQueue> _take;
    private VirtQueue? _receive;
    private VirtQueue? _transmit;
    private int _resetCount;

    /// <summary>
    /// A device for the guest with this context id; <paramref name="accept"/> gives the node its end of a connection to a port, or says no.
    /// <paramref name="time"/> is what the rate of new connections is measured by.
    /// </summary>
    public VsockDevice(uint guestCid, EventLoop loop, Func<uint, FileDescriptor, bool> accept, TimeProvider time)
    {
        (_guestCid, _loop, _accept, _bucket, _take) = (guestCid, loop, accept, new AcceptBucket(time), Take);
        Config = new ConfigSpace<VsockConfig>(new VsockConfig { GuestCid = guestCid });
    }

    /// <inheritdoc/>
    public override ushort Id => 19;

    /// <inheritdoc/>
    public override uint PciClass => 0x078000;

    /// <inheritdoc/>
    public override string Name => "vsock";

    /// <inheritdoc/>
    public override ulong Features => VirtioFeatures.Common;

    /// <inheritdoc/>
    public override ReadOnlySpan<ushort> QueueSizes => s_sizes;

    /// <inheritdoc/>
    public override ConfigSpace Config { get; }

    /// <inheritdoc/>
    public override VsockCounters Counters { get; } = new();

    /// <summary>Ends every connection: whoever had the other ends is gone.</summary>
    public void ResetAll()
    {
        for (int i = 0; i < MaxConnections; i++)
        {
            if (_connections[i] is { Socket: not null } c)
            {
                OweReset(c.GuestPort, c.HostPort);
                Close(c);
            }
        }
        if (Active)
            PayAll();
    }

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        VsockConnection c = _connections[tag]!;
        if ((ready & Readiness.Writable) != 0)
            Forward(c);
        if (c.Socket != null && (ready & (Readiness.Readable | Readiness.HangUp | Readiness.Error)) != 0)
            Deliver(c);
        if (Active)
            PayAll();
    }

    /// <inheritdoc/>
    protected override void OnActivate(VirtQueue?[] queues, ulong features) => (_receive, _transmit) = (queues[ReceiveQueue], queues[TransmitQueue]);

    /// <inheritdoc/>
    protected override void OnReset()
    {
        (_receive, _transmit, _resetCount) = (null, null, 0);
        foreach (VsockConnection? c in _connections)
        {
            if (c?.Socket != null)
                Close(c);
        }
    }

    /// <inheritdoc/>
    protected override void OnNotify(int queue)
    {
        if (queue == TransmitQueue && _transmit != null)
        {
            if (!TryWork(queue, _transmit, _chain, TurnPackets, _take))
                Break("vsock: broken transmit chain");
        }
        else if (queue == ReceiveQueue)
            ListenAgain();
        if (Active)
            PayAll();
    }

    private void Listen(VsockConnection c)
    {
        if ((c.Interest & Readiness.Readable) == 0)
            Watch(c);
    }

    private void ListenAgain()
    {
        foreach (VsockConnection? c in _connections)
        {
            if (c?.Socket != null)
                Listen(c);
        }
    }

    private void Watch(VsockConnection c)
    {
        // Level-triggered: what cannot be done now must not be watched, or the loop would spin.
        bool read = !c.NodeEnded && c.Credit > 0 && HasBuffer();
        Readiness wanted = (read ? Readiness.Readable : Readiness.None) | (c.Pending > 0 ? Readiness.Writable : Readiness.None);
        if (wanted == c.Interest)
            return;
        bool wasRemoved = c.Interest == Readiness.None;
        c.Interest = wanted;
        // A hang-up is reported whatever the interest is, so "nothing" means not in the set at all.
        if (wanted == Readiness.None)
            _loop.Remove(c.Slot);
        else if (wasRemoved)
            c.Slot = _loop.Add(c.Socket!, wanted, this, Array.IndexOf(_connections, c));
        else
            _loop.Change(c.Slot, wanted);
    }

    private VsockConnection? Find(uint guestPort, uint hostPort)
    {
        foreach (VsockConnection? c in _connections)
        {
            if (c?.Socket != null && c.GuestPort == guestPort && c.HostPort == hostPort)
                return c;
        }
        return null;
    }

    private void OweReset(uint guestPort, uint hostPort)
    {
        // A guest that causes more resets than it takes loses some: its own connections then time out.
        if (_resetCount < MaxResets)
            _resets[_resetCount++] = (guestPort, hostPort);
    }

    private void Close(VsockConnection c)
    {
        if (c.Interest != Readiness.None)
            _loop.Remove(c.Slot);
        c.Interest = Readiness.None;
        c.Socket!.Dispose();
        c.Socket = null;
        Counters.Connections--;
    }
}
