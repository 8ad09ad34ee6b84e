using System.Net.Sockets;

namespace ZeroOS.Linux;

/// <summary>
/// When a TCP connection is over whose other end is gone without a word (tcp(7), socket(7)): a computer that was reset or lost its power closes nothing. The
/// kernel asks a quiet connection for a sign of life, which the other end's kernel gives however long its program has nothing to say. Times are whole seconds,
/// one at least.
/// </summary>
/// <param name="Idle">TCP_KEEPIDLE: how long nothing comes before it is asked.</param>
/// <param name="Interval">TCP_KEEPINTVL: from one question to the next.</param>
/// <param name="Questions">TCP_KEEPCNT: so many without an answer end the connection.</param>
public sealed record TcpKeepAlive(TimeSpan Idle, TimeSpan Interval, int Questions)
{
    /// <summary>Over after half a minute: a switch that learns its network anew is shorter.</summary>
    public static readonly TcpKeepAlive Usual = new(Idle: TimeSpan.FromSeconds(10), Interval: TimeSpan.FromSeconds(5), Questions: 4);

    /// <summary>From the last sign of life to the end of the connection: half a minute as usual.</summary>
    public TimeSpan Silence => Idle + (Questions * Interval);

    /// <summary>
    /// Ends a connection of <paramref name="socket"/> on which nobody answers. What was sent and is not acknowledged has the kernel's own time: minutes.
    /// </summary>
    public void Set(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)Idle.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)Interval.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Questions);
    }

    /// <summary>The same for a connection that .NET's sockets do not know; one that has gone takes no options, and needs none.</summary>
    public void Set(FileDescriptor connection)
    {
        TcpConnection.SetOption(connection, SOL_SOCKET, SO_KEEPALIVE, 1);
        TcpConnection.SetOption(connection, IPPROTO_TCP, TCP_KEEPIDLE, (int)Idle.TotalSeconds);
        TcpConnection.SetOption(connection, IPPROTO_TCP, TCP_KEEPINTVL, (int)Interval.TotalSeconds);
        TcpConnection.SetOption(connection, IPPROTO_TCP, TCP_KEEPCNT, Questions);
    }

    /// <summary>
    /// As <see cref="Set(Socket)"/>, and gives what is sent no longer than <see cref="Silence"/> either (TCP_USER_TIMEOUT). Not for large bodies: an end that
    /// lives and does not read for as long loses the connection too.
    /// </summary>
    public void SetForMessages(Socket socket)
    {
        Set(socket);
        socket.SetRawSocketOption(IPPROTO_TCP, TCP_USER_TIMEOUT, BitConverter.GetBytes((int)Silence.TotalMilliseconds));
    }
}
