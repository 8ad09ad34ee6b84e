using System.Runtime.InteropServices;

using ZeroOS.Linux;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>What the guest gets: the node's data, and what is owed to it (responses, credit, shutdowns, resets) as it gives buffers.</summary>
internal sealed unsafe partial class VsockDevice
{
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
            Counters.ToGuestBytes += n;
            Write(q, c, VsockOperation.Data, (uint)n, 0);
        }
        Watch(c);
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
}
