using System.Buffers.Binary;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Net;

/// <summary>
/// virtio-net (virtio 1.2, 5.1) on a tap: the tap's header is the driver's header, so offloads pass through. A frame for which the guest has no buffer waits in
/// the tap, whose queue the kernel bounds; a frame the tap does not take is dropped and counted.
/// </summary>
internal sealed unsafe class NetDevice : VirtioDevice, IEventSource, IDisposable
{
    /// <summary>The one request this device makes of a tap (linux/if_tun.h).</summary>
    public const nuint TUNSETOFFLOAD = 0x400454d0;

    private const int ReceiveQueue = 0, TransmitQueue = 1, QueueSize = 256, HeaderBytes = 12, MaxFrame = 65562, MaxChains = 128, TurnFrames = 64;
    private const ulong Checksum = 1, GuestChecksum = 1 << 1, MtuFeature = 1 << 3, MacFeature = 1 << 5, GuestTso4 = 1 << 7, GuestTso6 = 1 << 8;
    private const ulong HostTso4 = 1 << 11, HostTso6 = 1 << 12, MergeBuffers = 1 << 15;
    private const int TunChecksum = 1, TunTso4 = 2, TunTso6 = 4;
    private static readonly ushort[] s_sizes = [QueueSize, QueueSize];
    private readonly DescriptorChain _chain = new(QueueSize);
    private readonly MemoryPart[] _parts = GC.AllocateArray<MemoryPart>(QueueSize, pinned: true);
    private readonly byte[] _frame = new byte[MaxFrame + HeaderBytes];
    private readonly FileDescriptor _tap;
    private readonly EventLoop _loop;
    private readonly int _slot;
    private readonly Action<VirtQueue> _send;
    private VirtQueue? _receive;
    private VirtQueue? _transmit;
    private bool _merge;
    private bool _listening;
    private bool _isGone;
    private int _frameLength;

    private NetDevice(string name, FileDescriptor tap, byte[] mac, int mtu, EventLoop loop)
    {
        (Name, _tap, _loop, _send) = (name, tap, loop, Send);
        Config = new ConfigSpace<NetConfig>(NetConfig.For(mac, (ushort)mtu));
        NonBlocking.Set(tap);
        _slot = loop.Add(tap, Readiness.None, this, 0);
    }

    /// <inheritdoc/>
    public override ushort Id => 1;

    /// <inheritdoc/>
    public override uint PciClass => 0x020000;

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override ulong Features => VirtioFeatures.Common | VirtioFeatures.Indirect | Checksum | GuestChecksum | MtuFeature | MacFeature
        | GuestTso4 | GuestTso6 | HostTso4 | HostTso6 | MergeBuffers;

    /// <inheritdoc/>
    public override ReadOnlySpan<ushort> QueueSizes => s_sizes;

    /// <inheritdoc/>
    public override ConfigSpace Config { get; }

    /// <inheritdoc/>
    public override NetCounters Counters { get; } = new();

    /// <summary>Opens a card of the configuration.</summary>
    public static NetDevice Open(VmNic nic, int index, EventLoop loop)
    {
        if (!CardAddress.TryParse(nic.Mac, out byte[] mac))
            throw new ConfigException($"mac \"{nic.Mac}\" is no address");
        return new NetDevice($"eth{index}", new FileDescriptor(nic.TapDescriptor), mac, nic.Mtu, loop);
    }

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        if ((ready & (Readiness.HangUp | Readiness.Error)) != 0)
        {
            // The tap was taken away: it stays ready for ever and brings nothing. The guest goes on with a card that hears nobody.
            _isGone = true;
            _loop.Remove(_slot);
        }
        else if (Active && _receive != null)
        {
            Receive();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _tap.Dispose();

    /// <inheritdoc/>
    protected override void OnActivate(VirtQueue?[] queues, ulong features)
    {
        (_receive, _transmit) = (queues[ReceiveQueue], queues[TransmitQueue]);
        _merge = (features & MergeBuffers) != 0;
        _frameLength = 0;
        int offloads = (features & GuestChecksum) != 0 ? TunChecksum : 0;
        // Segmentation needs checksums: the tap refuses one without the other.
        if (offloads != 0)
            offloads |= ((features & GuestTso4) != 0 ? TunTso4 : 0) | ((features & GuestTso6) != 0 ? TunTso6 : 0);
        _ = _tap.Ioctl(TUNSETOFFLOAD, offloads);
    }

    /// <inheritdoc/>
    protected override void OnReset()
    {
        (_receive, _transmit) = (null, null);
        Listen(false);
    }

    /// <inheritdoc/>
    protected override void OnNotify(int queue)
    {
        if (queue == ReceiveQueue && _receive != null)
            Receive();
        else if (queue == TransmitQueue && _transmit != null && !TryWork(queue, _transmit, _chain, TurnFrames, _send))
            Break($"{Name}: broken transmit chain");
    }

    private void Send(VirtQueue q)
    {
        SendFrame();
        q.Push(_chain.Head, 0);
    }

    private void SendFrame()
    {
        ulong bytes = _chain.ReadableBytes;
        fixed (MemoryPart* parts = _parts)
        {
            int count = bytes is > HeaderBytes and <= MaxFrame + HeaderBytes ? _chain.Readable(0, bytes, parts, QueueSize) : 0;
            if (count == 0 || ScatteredIo.TryWrite(_tap, parts, count, out _) != Errno.None)
            {
                Counters.Dropped++;
                return;
            }
        }
        Counters.Sent++;
        Counters.SentBytes += (long)bytes;
    }

    private void Receive()
    {
        VirtQueue q = _receive!;
        for (int i = 0; i < TurnFrames; i++)
        {
            if (_frameLength == 0 && (_tap.TryRead(_frame, out _frameLength) != Errno.None || _frameLength < HeaderBytes))
            {
                // Nothing there: the loop says when there is.
                _frameLength = 0;
                break;
            }
            if (!TryDeliver(q, out bool broken))
            {
                if (broken)
                {
                    Listen(false);
                    Break($"{Name}: broken receive chain");
                    return;
                }
                // No buffer: the frame waits here and the others in the tap until the guest refills, and the race with its refilling is lost by nobody.
                if (q.TryAwaitNotification())
                {
                    Listen(false);
                    q.Flush();
                    return;
                }
                // What became available meanwhile may still be too little for this frame; then the next notification brings more.
                if (!HasRoom(q))
                {
                    Listen(false);
                    q.Flush();
                    return;
                }
            }
        }
        Listen(true);
        q.Flush();
    }

    private bool HasRoom(VirtQueue q)
    {
        int taken = 0;
        ulong room = 0;
        while (room < (ulong)_frameLength && taken < MaxChains && q.TryPop(_chain) == PopResult.Chain)
        {
            taken++;
            room += _chain.WritableBytes;
        }
        for (int i = 0; i < taken; i++)
            q.Unpop();
        return room >= (ulong)_frameLength;
    }

    private bool TryDeliver(VirtQueue q, out bool broken)
    {
        // First how many chains the frame takes, then again to fill them: nothing is given back half done.
        int chains = 0;
        ulong room = 0;
        broken = false;
        while (room < (ulong)_frameLength && chains < (_merge ? MaxChains : 1))
        {
            PopResult result = q.TryPop(_chain);
            if (result != PopResult.Chain)
            {
                broken = result == PopResult.Broken;
                break;
            }
            chains++;
            room += _chain.WritableBytes;
        }
        for (int i = 0; i < chains; i++)
            q.Unpop();
        if (broken || chains == 0)
            return false;
        if (room < (ulong)_frameLength)
        {
            // With all the chains one frame may take it still does not fit: the driver's buffers are too small for what it negotiated.
            broken = chains == (_merge ? MaxChains : 1);
            return false;
        }
        BinaryPrimitives.WriteUInt16LittleEndian(_frame.AsSpan(10), (ushort)chains);
        int done = 0;
        for (int i = 0; i < chains; i++)
        {
            if (q.TryPop(_chain) != PopResult.Chain)
            {
                broken = true;
                return false;
            }
            int n = _chain.Write(0, _frame.AsSpan(done, _frameLength - done));
            done += n;
            q.Push(_chain.Head, (uint)n);
        }
        Counters.Received++;
        Counters.ReceivedBytes += _frameLength;
        _frameLength = 0;
        return true;
    }

    private void Listen(bool listening)
    {
        if (listening == _listening || _isGone)
            return;
        _listening = listening;
        _loop.Change(_slot, listening ? Readiness.Readable : Readiness.None);
    }
}
