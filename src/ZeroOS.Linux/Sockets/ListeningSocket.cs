using System.Buffers.Binary;
using System.Net;

namespace ZeroOS.Linux;

/// <summary>A TCP socket that listens on every address of both families. Whoever holds it keeps the connections that wait, whoever accepts them.</summary>
public static unsafe class ListeningSocket
{
    /// <summary>
    /// Opens one. A connection is shown to nobody before its first byte came or <paramref name="deferSeconds"/> passed; <paramref name="backlog"/> of them wait
    /// at most.
    /// </summary>
    /// <exception cref="LinuxException">The port is taken, or there is no network in this kernel.</exception>
    public static FileDescriptor Open(ushort port, int backlog, int deferSeconds)
    {
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        bool six = fd >= 0;
        if (!six)
            fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            throw new LinuxException(Libc.LastError, "socket", $"port {port}");
        FileDescriptor listener = new(fd);
        try
        {
            Set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            Set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, deferSeconds);
            if (six)
                Set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
            // struct sockaddr_in6: family, port, flow, address[16], scope; sockaddr_in begins with the same four bytes.
            byte* address = stackalloc byte[28];
            new Span<byte>(address, 28).Clear();
            *(ushort*)address = (ushort)(six ? AF_INET6 : AF_INET);
            BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), port);
            if (bind(fd, (sockaddr*)address, six ? 28 : 16) != 0)
                throw new LinuxException(Libc.LastError, "bind", $"port {port}");
            return listen(fd, backlog) == 0 ? listener : throw new LinuxException(Libc.LastError, "listen", $"port {port}");
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Takes a connection that waits at a listening socket which does not block, and says where it comes from: one call of the kernel, where .NET's Accept
    /// needs several and an object with each. EAGAIN: none waits.
    /// </summary>
    public static Errno TryTake(int listener, out int connection, out IPAddress? from)
    {
        from = null;
        byte* address = stackalloc byte[28];
        socklen_t length = 28;
        connection = accept4(listener, (sockaddr*)address, &length, SOCK_CLOEXEC);
        if (connection < 0)
            return Libc.LastError;
        int family = *(ushort*)address;
        if (family == AF_INET && (uint)length >= 8)
            from = new IPAddress(new ReadOnlySpan<byte>(address + 4, 4));
        else if (family == AF_INET6 && (uint)length >= 24)
            from = new IPAddress(new ReadOnlySpan<byte>(address + 8, 16));
        return Errno.None;
    }

    /// <summary>Ends a connection that was taken, so that its client hears so at once: nothing lingers.</summary>
    public static void Reset(int connection)
    {
        long lingers = 1;   // struct linger: on, for 0 seconds
        _ = setsockopt(connection, SOL_SOCKET, SO_LINGER, &lingers, sizeof(long));
        _ = close(connection);
    }

    private static void Set(int fd, int level, int option, int value)
    {
        if (setsockopt(fd, level, option, &value, sizeof(int)) != 0)
            throw new LinuxException(Libc.LastError, "setsockopt", $"option {option}");
    }
}
