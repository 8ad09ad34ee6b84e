namespace ZeroOS.Linux;

/// <summary>A connected stream socket: bytes in order, no boundaries. unix(7) pairs, and vsock(7) from a guest to its host.</summary>
public sealed unsafe class StreamSocket : IDisposable
{
    private const uint VMADDR_CID_HOST = 2;

    /// <summary>Takes ownership of a descriptor that is such a socket.</summary>
    public StreamSocket(FileDescriptor descriptor) => Descriptor = descriptor;

    /// <summary>The descriptor, to read, poll or hand over.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Makes two connected ends.</summary>
    public static (StreamSocket One, StreamSocket Other) Pair()
    {
        int* pair = stackalloc int[2];
        return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0
            ? (new StreamSocket(new FileDescriptor(pair[0])), new StreamSocket(new FileDescriptor(pair[1])))
            : throw new LinuxException(Libc.LastError, "socketpair", "stream");
    }

    /// <summary>
    /// Takes a descriptor that somebody else chose, if it is a unix(7) stream socket (SO_DOMAIN and SO_TYPE of socket(7)); otherwise closes it and returns
    /// null. Its file status flags are shared with whoever kept a duplicate: use <see cref="TryReceiveNow"/> and <see cref="TrySendNow"/>.
    /// </summary>
    public static StreamSocket? TryAdopt(FileDescriptor descriptor)
    {
        if (Option(descriptor, SO_DOMAIN) == AF_UNIX && Option(descriptor, SO_TYPE) == SOCK_STREAM)
            return new StreamSocket(descriptor);
        descriptor.Dispose();
        return null;
    }

    /// <summary>Dials <paramref name="port"/> on the host of this virtual machine; null with the reason when it is refused.</summary>
    public static StreamSocket? TryDialHost(uint port, out Errno errno)
    {
        int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
        errno = fd < 0 ? Libc.LastError : Errno.None;
        if (fd < 0)
            return null;
        StreamSocket dialled = new(new FileDescriptor(fd));
        // struct sockaddr_vm (linux/vm_sockets.h): family, reserved, port, cid, flags, zero[3].
        uint* address = stackalloc uint[4] { (uint)(int)AF_VSOCK, port, VMADDR_CID_HOST, 0 };
        if (connect(fd, (sockaddr*)address, 16) == 0)
            return dialled;
        errno = Libc.LastError;
        dialled.Dispose();
        return null;
    }

    /// <summary>Sends part of the bytes, EAGAIN if the socket does not block and has no room; no SIGPIPE when the peer is gone.</summary>
    public Errno TrySend(ReadOnlySpan<byte> bytes, out int sent) => Send(bytes, MSG_NOSIGNAL, out sent);

    /// <summary>As <see cref="TrySend"/>, but never waits, whatever the socket's flags say.</summary>
    public Errno TrySendNow(ReadOnlySpan<byte> bytes, out int sent) => Send(bytes, MSG_NOSIGNAL | MSG_DONTWAIT, out sent);

    /// <summary>
    /// Receives what is there and never waits, whatever the socket's flags say: EAGAIN when nothing is, 0 bytes when the peer will send no more.
    /// </summary>
    public Errno TryReceiveNow(Span<byte> buffer, out int received) => Receive(buffer, MSG_DONTWAIT, out received);

    /// <summary>As <see cref="TryReceiveNow"/>, but leaves what it shows where it is: the next one shows it again.</summary>
    public Errno TryPeekNow(Span<byte> buffer, out int shown) => Receive(buffer, MSG_DONTWAIT | MSG_PEEK, out shown);

    /// <summary>Sends everything, waiting for room; the refusal returned, and no SIGPIPE when the peer is gone.</summary>
    public Errno TrySendAll(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Errno e = TrySend(bytes, out int sent);
            if (e != Errno.None)
                return e;
            bytes = bytes[sent..];
        }
        return Errno.None;
    }

    /// <summary>Ends the connection both ways, so that a thread that waits in it wakes; the descriptor stays.</summary>
    public void Shutdown() => _ = shutdown(Descriptor.Number, SHUT_RDWR);

    /// <summary>Says that no more will be sent.</summary>
    public void EndSending() => _ = shutdown(Descriptor.Number, SHUT_WR);

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    /// <summary>An option of the socket's own level, as a number; -1 for what is no socket.</summary>
    internal static int Option(FileDescriptor descriptor, int option)
    {
        int value = -1;
        socklen_t length = sizeof(int);
        return getsockopt(descriptor.Number, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
    }

    private Errno Receive(Span<byte> buffer, int flags, out int received)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                long n = recvfrom(Descriptor.Number, p, buffer.Length, flags, null, null);
                received = (int)Math.Max(n, 0);
                if (n >= 0)
                    return Errno.None;
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
        }
    }

    private Errno Send(ReadOnlySpan<byte> bytes, int flags, out int sent)
    {
        fixed (byte* p = bytes)
        {
            while (true)
            {
                long n = sendto(Descriptor.Number, p, bytes.Length, flags, null, 0);
                sent = (int)Math.Max(n, 0);
                if (n >= 0)
                    return Errno.None;
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
        }
    }
}
