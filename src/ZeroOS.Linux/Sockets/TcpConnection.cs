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

    internal static void SetOption(FileDescriptor connection, int level, int option, int value) =>
        _ = setsockopt(connection.Number, level, option, &value, sizeof(int));
}
