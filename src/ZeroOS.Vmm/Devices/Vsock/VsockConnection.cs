using ZeroOS.Linux;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>
/// One connection between a guest's port and a stream socket whose other end the node has. Counters are those of virtio 1.2, 5.10.6.3: they wrap, and only
/// their differences mean anything.
/// </summary>
internal sealed unsafe class VsockConnection
{
    /// <summary>Bytes the guest may have under way to us.</summary>
    public const int BufferBytes = 64 * 1024;

    private byte[] _buffer = [];
    private int _start, _count;

    /// <summary>The pair of ports, our end, its slot in the event loop.</summary>
    public uint GuestPort, HostPort;

    /// <summary>Our end of the stream; null when this place is free.</summary>
    public FileDescriptor? Socket;

    /// <summary>The handle in the event loop.</summary>
    public int Slot;

    /// <summary>What the loop watches the socket for.</summary>
    public Readiness Interest;

    /// <summary>The guest's buffer and what it says to have taken; what we sent.</summary>
    public uint PeerBuffer, PeerForwarded, Sent;

    /// <summary>Bytes from the guest, those given to the socket, and what we last told the guest of them.</summary>
    public uint ReceivedBytes, Forwarded, ForwardedSaid;

    /// <summary>Packets owed to the guest, sent in this order.</summary>
    public bool OwesResponse, OwesCredit, OwesShutdown, OwesReset;

    /// <summary>The node sends no more; a shutdown was sent; the guest sends no more.</summary>
    public bool NodeEnded, ShutdownSent, GuestEnded;

    /// <summary>Bytes the guest has room for.</summary>
    public uint Credit
    {
        get
        {
            uint flying = unchecked(Sent - PeerForwarded);
            return flying < PeerBuffer ? PeerBuffer - flying : 0;
        }
    }

    /// <summary>Bytes that wait for the socket.</summary>
    public int Pending => _count;

    /// <summary>Makes it a new connection.</summary>
    public void Begin(uint guestPort, uint hostPort, FileDescriptor socket)
    {
        (GuestPort, HostPort, Socket, _start, _count) = (guestPort, hostPort, socket, 0, 0);
        (PeerBuffer, PeerForwarded, Sent, ReceivedBytes, Forwarded, ForwardedSaid) = (0, 0, 0, 0, 0, 0);
        (OwesResponse, OwesCredit, OwesShutdown, OwesReset, NodeEnded, ShutdownSent, GuestEnded) = (false, false, false, false, false, false, false);
    }

    /// <summary>Keeps bytes of a chain for the socket; false when the guest sent more than its credit.</summary>
    public bool TryKeep(Virtio.DescriptorChain chain, ulong offset, int length)
    {
        if (length > BufferBytes - _count)
            return false;
        if (_buffer.Length == 0)
            _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
        while (length > 0)
        {
            int at = (_start + _count) % BufferBytes;
            int n = Math.Min(length, BufferBytes - at);
            if (chain.Read(offset, _buffer.AsSpan(at, n)) != n)
                return false;
            _count += n;
            offset += (uint)n;
            length -= n;
        }
        return true;
    }

    /// <summary>Gives the socket what it takes.</summary>
    public Errno Flush()
    {
        while (_count > 0)
        {
            int n = Math.Min(_count, BufferBytes - _start);
            Errno errno;
            int sent;
            fixed (byte* p = &_buffer[_start])
                errno = StreamPair.TrySend(Socket!, p, n, out sent);
            if (errno != Errno.None)
                return errno;
            _start = (_start + sent) % BufferBytes;
            _count -= sent;
            Forwarded += (uint)sent;
        }
        return Errno.None;
    }
}
