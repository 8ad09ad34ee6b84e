using System.Buffers.Binary;
using System.Runtime.InteropServices;

using ZeroOS.Linux;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>
/// virtio-vsock (virtio 1.2, 5.10) in this process, without the host's vsock: a guest that connects to the host gets a stream socket whose other end goes to the node. The
/// guest connects, the host never does. Bounded everywhere: connections, bytes per connection, resets owed.
/// </summary>
internal sealed unsafe class VsockDevice : VirtioDevice, IEventSource
{
    private const int ReceiveQueue = 0, TransmitQueue = 1, QueueSize = 128, MaxConnections = 256, MaxResets = 128, MaxData = 64 * 1024, Budget = 16;
    private const ulong HostCid = 2;
    private static readonly ushort[] s_sizes = [QueueSize, QueueSize, QueueSize];
    private readonly DescriptorChain _chain = new(QueueSize);
    private readonly DescriptorChain _answer = new(QueueSize);
    private readonly MemoryPart[] _parts = GC.AllocateArray<MemoryPart>(QueueSize, pinned: true);
    private readonly VsockConnection?[] _connections = new VsockConnection?[MaxConnections];
    private readonly (uint Guest, uint Host)[] _resets = new (uint, uint)[MaxResets];
    private readonly byte[] _config = new byte[8];
    private readonly EventLoop _loop;
    private readonly Func<uint, FileDescriptor, bool> _accept;
    private readonly uint _guestCid;
    private VirtQueue? _receive;
    private VirtQueue? _transmit;
    private int _resetCount;

    /// <summary>A device for the guest with this context id; <paramref name="accept"/> gives the node its end of a connection to a port, or says no.</summary>
    public VsockDevice(uint guestCid, EventLoop loop, Func<uint, FileDescriptor, bool> accept)
    {
        (_guestCid, _loop, _accept) = (guestCid, loop, accept);
        BinaryPrimitives.WriteUInt64LittleEndian(_config, guestCid);
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
    public override ReadOnlySpan<byte> Config => _config;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, long Value)> Counters => base.Counters.Concat(
        [("connections", Open), ("accepted", Accepted), ("refused", Refused), ("toGuestBytes", ToGuestBytes), ("fromGuestBytes", FromGuestBytes)]);

    /// <summary>Connections accepted and refused, bytes moved.</summary>
    public long Accepted, Refused, ToGuestBytes, FromGuestBytes;

    /// <summary>Connections that exist.</summary>
    public int Open => _connections.Count(c => c?.Socket != null);

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
            TakeAll(_transmit);
        else if (queue == ReceiveQueue)
            ListenAgain();
        if (Active)
            PayAll();
    }

    private void TakeAll(VirtQueue q)
    {
        do
        {
            PopResult result;
            while ((result = q.TryPop(_chain)) == PopResult.Chain)
            {
                Take();
                q.Push(_chain.Head, 0);
            }
            if (result == PopResult.Broken)
            {
                Break("vsock: broken transmit chain");
                return;
            }
        }
        while (!q.TryAwaitNotification());
        q.Flush();
    }

    private void Take()
    {
        // Length is believed only as far as the chain goes.
        if (!_chain.TryRead(0, out VsockPacket p) || p.Length > MaxData || p.Length > _chain.ReadableBytes - VsockPacket.Size || p.SourceCid != _guestCid)
            return;
        VsockConnection? c = p.TargetCid == HostCid && p.Type == VsockPacket.Stream ? Find(p.SourcePort, p.TargetPort) : null;
        if (c != null)
            (c.PeerBuffer, c.PeerForwarded) = (p.BufferSize, p.Forwarded);
        switch (p.Operation)
        {
            case VsockOperation.Request when p.TargetCid == HostCid && p.Type == VsockPacket.Stream:
                Accept(c, p);
                break;
            case VsockOperation.Reset:
                if (c != null)
                    Close(c);
                break;
            case VsockOperation.Data when c != null:
                TakeData(c, (int)p.Length);
                break;
            case VsockOperation.Shutdown when c != null:
                TakeShutdown(c, p.Flags);
                break;
            case VsockOperation.CreditUpdate when c != null:
                Listen(c);
                break;
            case VsockOperation.CreditRequest when c != null:
                c.OwesCredit = true;
                break;
            default:
                OweReset(p.SourcePort, p.TargetPort);
                break;
        }
    }

    private void Accept(VsockConnection? old, in VsockPacket p)
    {
        // The same ports again: the guest forgot the connection, so there is none.
        if (old != null)
            Close(old);
        int index = Array.FindIndex(_connections, c => c?.Socket == null);
        if (index < 0 && Array.FindIndex(_connections, c => c!.ShutdownSent) is var ended and >= 0)
        {
            // The guest owes us the reset of a connection that is over; it must not cost a place for ever.
            Close(_connections[ended]!);
            index = ended;
        }
        if (index < 0 || !StreamPair.TryPair(out FileDescriptor? ours, out FileDescriptor? theirs))
        {
            Refused++;
            OweReset(p.SourcePort, p.TargetPort);
            return;
        }
        bool accepted = _accept(p.TargetPort, theirs!);
        theirs!.Dispose();
        if (!accepted)
        {
            ours!.Dispose();
            Refused++;
            OweReset(p.SourcePort, p.TargetPort);
            return;
        }
        NonBlocking.Set(ours!);
        VsockConnection c = _connections[index] ??= new VsockConnection();
        c.Begin(p.SourcePort, p.TargetPort, ours!);
        (c.PeerBuffer, c.PeerForwarded, c.OwesResponse, c.Interest) = (p.BufferSize, p.Forwarded, true, Readiness.Readable);
        c.Slot = _loop.Add(ours!, Readiness.Readable, this, index);
        Accepted++;
    }

    private void TakeData(VsockConnection c, int length)
    {
        if (c.GuestEnded || !c.TryKeep(_chain, VsockPacket.Size, length))
        {
            OweReset(c.GuestPort, c.HostPort);
            Close(c);
            return;
        }
        c.ReceivedBytes += (uint)length;
        FromGuestBytes += length;
        Forward(c);
        if (c.Socket != null)
            Listen(c);
    }

    private void TakeShutdown(VsockConnection c, uint flags)
    {
        c.GuestEnded |= (flags & VsockPacket.NoSend) != 0;
        bool both = (flags & (VsockPacket.NoReceive | VsockPacket.NoSend)) == (VsockPacket.NoReceive | VsockPacket.NoSend);
        if (both)
            c.NodeEnded = true;
        Forward(c);
    }

    // From the guest to the node.
    private void Forward(VsockConnection c)
    {
        Errno errno = c.Flush();
        if (errno is not (Errno.None or Errno.EAGAIN))
        {
            OweReset(c.GuestPort, c.HostPort);
            Close(c);
            return;
        }
        if (unchecked(c.Forwarded - c.ForwardedSaid) >= VsockConnection.BufferBytes / 2)
            c.OwesCredit = true;
        if (c.Pending == 0 && c.GuestEnded)
        {
            if (c.NodeEnded)
            {
                // Both directions are over and nothing is left: the guest waits for this reset.
                OweReset(c.GuestPort, c.HostPort);
                Close(c);
                return;
            }
            StreamPair.EndSending(c.Socket!);
        }
        Watch(c);
    }

    // From the node to the guest, straight into the guest's buffers.
    private void Deliver(VsockConnection c)
    {
        for (int i = 0; i < Budget && Active && !c.NodeEnded; i++)
        {
            uint credit = Math.Min(c.Credit, MaxData);
            if (c.OwesResponse || credit == 0 || _receive is not { } q || !TryAnswer(q))
                break;
            int count;
            long n;
            Errno errno;
            fixed (MemoryPart* parts = _parts)
            {
                count = _answer.Writable(VsockPacket.Size, credit, parts, QueueSize);
                errno = ScatteredIo.TryRead(c.Socket!, parts, count, out n);
            }
            if (errno != Errno.None || n == 0)
            {
                q.Unpop();
                if (errno == Errno.EAGAIN)
                    break;
                c.NodeEnded = true;
                // An error is the end of both directions; an end of file may be of one.
                c.OwesReset = errno != Errno.None;
                c.OwesShutdown = errno == Errno.None;
                break;
            }
            c.Sent += (uint)n;
            ToGuestBytes += n;
            Write(q, c, VsockOperation.Data, (uint)n, 0);
        }
        Watch(c);
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

    private bool HasBuffer()
    {
        if (_receive is not { } q || !TryAnswer(q))
            return false;
        q.Unpop();
        return true;
    }

    private bool TryAnswer(VirtQueue q)
    {
        for (int i = 0; i < 2 && Active; i++)
        {
            PopResult result = q.TryPop(_answer);
            if (result == PopResult.Chain && _answer.WritableBytes > VsockPacket.Size)
                return true;
            if (result != PopResult.Empty)
            {
                Break("vsock: broken receive chain");
                return false;
            }
            if (q.TryAwaitNotification())
                return false;
        }
        return false;
    }

    private void PayAll()
    {
        if (_receive is not { } q)
            return;
        while (_resetCount > 0 && TryAnswer(q))
        {
            (uint guest, uint host) = _resets[--_resetCount];
            WriteHeader(q, new VsockPacket { SourcePort = host, TargetPort = guest, Operation = VsockOperation.Reset }, 0);
        }
        for (int i = 0; i < MaxConnections && Active; i++)
        {
            if (_connections[i] is { Socket: not null } c && !TryPay(q, c))
                break;
        }
        if (Active)
            q.Flush();
    }

    private bool TryPay(VirtQueue q, VsockConnection c)
    {
        if (c.OwesResponse)
        {
            if (!TryAnswer(q))
                return false;
            c.OwesResponse = false;
            Write(q, c, VsockOperation.Response, 0, 0);
            Watch(c);
        }
        if (c.OwesCredit)
        {
            if (!TryAnswer(q))
                return false;
            Write(q, c, VsockOperation.CreditUpdate, 0, 0);
        }
        if (c.OwesShutdown)
        {
            if (!TryAnswer(q))
                return false;
            (c.OwesShutdown, c.ShutdownSent) = (false, true);
            // The node's end is a whole socket: when it is closed nothing can be sent to it either, and the guest is told so.
            Write(q, c, VsockOperation.Shutdown, 0, VsockPacket.NoReceive | VsockPacket.NoSend);
        }
        if (c.OwesReset)
        {
            if (!TryAnswer(q))
                return false;
            Write(q, c, VsockOperation.Reset, 0, 0);
            Close(c);
        }
        return true;
    }

    private void Write(VirtQueue q, VsockConnection c, VsockOperation operation, uint length, uint flags)
    {
        (c.ForwardedSaid, c.OwesCredit) = (c.Forwarded, false);
        WriteHeader(q, new VsockPacket
        {
            SourcePort = c.HostPort,
            TargetPort = c.GuestPort,
            Length = length,
            Operation = operation,
            Flags = flags,
            BufferSize = VsockConnection.BufferBytes,
            Forwarded = c.Forwarded,
        }, length);
    }

    private void WriteHeader(VirtQueue q, VsockPacket packet, uint length)
    {
        (packet.SourceCid, packet.TargetCid, packet.Type) = (HostCid, _guestCid, VsockPacket.Stream);
        _ = _answer.Write(0, MemoryMarshal.AsBytes(new ReadOnlySpan<VsockPacket>(in packet)));
        q.Push(_answer.Head, VsockPacket.Size + length);
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
    }
}
