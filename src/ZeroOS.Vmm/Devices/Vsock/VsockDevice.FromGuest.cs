using ZeroOS.Linux;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>What the guest sends: requests, data, shutdowns, credit.</summary>
internal sealed partial class VsockDevice
{
    private void Take(VirtQueue q)
    {
        TakePacket();
        q.Push(_chain.Head, 0);
    }

    private void TakePacket()
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
        if (index < 0 || !_bucket.TryTake() || !StreamPair.TryPair(out FileDescriptor? ours, out FileDescriptor? theirs))
        {
            Counters.Refused++;
            OweReset(p.SourcePort, p.TargetPort);
            return;
        }
        bool accepted = _accept(p.TargetPort, theirs!);
        theirs!.Dispose();
        if (!accepted)
        {
            ours!.Dispose();
            Counters.Refused++;
            OweReset(p.SourcePort, p.TargetPort);
            return;
        }
        NonBlocking.Set(ours!);
        VsockConnection c = _connections[index] ??= new VsockConnection();
        c.Begin(p.SourcePort, p.TargetPort, ours!);
        (c.PeerBuffer, c.PeerForwarded, c.OwesResponse, c.Interest) = (p.BufferSize, p.Forwarded, true, Readiness.Readable);
        c.Slot = _loop.Add(ours!, Readiness.Readable, this, index);
        Counters.Accepted++;
        Counters.Connections++;
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
        Counters.FromGuestBytes += length;
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
}
