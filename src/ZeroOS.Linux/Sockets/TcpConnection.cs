using System.Buffers.Binary;

namespace ZeroOS.Linux;

/// <summary>What can be said of a TCP connection, and to it, by its descriptor alone.</summary>
public static unsafe class TcpConnection
{
    /// <summary>
    /// Whether a descriptor that somebody else chose is a TCP socket of IPv4 or IPv6 that does not listen (SO_DOMAIN, SO_TYPE, SO_PROTOCOL and SO_ACCEPTCONN
    /// of socket(7)). Its peer may have gone. Its file status flags are shared with whoever kept a duplicate, who may change them at any time.
    /// </summary>
    public static bool IsOne(FileDescriptor descriptor)
    {
        int domain = StreamSocket.Option(descriptor, SO_DOMAIN);
        return (domain == AF_INET || domain == AF_INET6) && StreamSocket.Option(descriptor, SO_TYPE) == SOCK_STREAM
            && StreamSocket.Option(descriptor, SO_PROTOCOL) == IPPROTO_TCP && StreamSocket.Option(descriptor, SO_ACCEPTCONN) == 0;
    }

    /// <summary>What is sent leaves at once (TCP_NODELAY).</summary>
    public static void SendAtOnce(FileDescriptor connection) => SetOption(connection, IPPROTO_TCP, TCP_NODELAY, 1);

    /// <summary>
    /// Begins to dial a port of this network namespace's own loopback, 127.0.0.1 or ::1, and does not wait: when the socket takes a write, or has an error,
    /// <see cref="DialOutcome"/> says what became of it. The socket does not block. Null with the reason when it is refused at once.
    /// </summary>
    public static FileDescriptor? TryDialLoopback(ushort port, bool six, out Errno errno)
    {
        int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        errno = fd < 0 ? Libc.LastError : Errno.None;
        if (fd < 0)
            return null;
        FileDescriptor dialled = new(fd);
        // struct sockaddr_in6: family, port, flow, address[16], scope; sockaddr_in: family, port, address[4].
        byte* address = stackalloc byte[28];
        new Span<byte>(address, 28).Clear();
        *(ushort*)address = (ushort)(six ? AF_INET6 : AF_INET);
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), port);
        if (six)
            address[23] = 1;
        else
            (address[4], address[7]) = (127, 1);
        if (connect(fd, (sockaddr*)address, six ? 28 : 16) == 0 || Libc.LastError is Errno.EINPROGRESS or Errno.EINTR)
            return dialled;
        errno = Libc.LastError;
        dialled.Dispose();
        return null;
    }

    /// <summary>Whether a dial that was begun has made the connection, and why not (SO_ERROR of socket(7)).</summary>
    public static Errno DialOutcome(FileDescriptor connection) => (Errno)StreamSocket.Option(connection, SO_ERROR);

    /// <summary>When it is closed, the peer hears that it broke, and not that it ended; what waits to be sent is gone.</summary>
    public static void ResetWhenClosed(FileDescriptor connection)
    {
        long lingers = 1;   // struct linger: on, for 0 seconds
        _ = setsockopt(connection.Number, SOL_SOCKET, SO_LINGER, &lingers, sizeof(long));
    }

    internal static void SetOption(FileDescriptor connection, int level, int option, int value) =>
        _ = setsockopt(connection.Number, level, option, &value, sizeof(int));
}
