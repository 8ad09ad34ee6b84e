namespace ZeroOS.Linux;

/// <summary>One end of a unix(7) SOCK_STREAM pair: bytes both ways, each direction closed on its own.</summary>
public static unsafe class StreamPair
{
    /// <summary>Makes two connected ends.</summary>
    public static bool TryPair(out FileDescriptor? one, out FileDescriptor? other)
    {
        int* pair = stackalloc int[2];
        bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
        one = made ? new FileDescriptor(pair[0]) : null;
        other = made ? new FileDescriptor(pair[1]) : null;
        return made;
    }

    /// <summary>Sends what fits now: EAGAIN when nothing does, EPIPE when the peer is gone; no signal.</summary>
    public static Errno TrySend(FileDescriptor socket, byte* data, int length, out int sent)
    {
        long n;
        do
            n = sendto(socket.Number, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, null, 0);
        while (n < 0 && Libc.LastError == Errno.EINTR);
        sent = (int)Math.Max(n, 0);
        return n >= 0 ? Errno.None : Libc.LastError;
    }

    /// <summary>Receives what is there: EAGAIN when nothing is, 0 bytes when the peer will send no more.</summary>
    public static Errno TryReceive(FileDescriptor socket, byte* buffer, int length, out int received)
    {
        long n;
        do
            n = recvfrom(socket.Number, buffer, length, MSG_DONTWAIT, null, null);
        while (n < 0 && Libc.LastError == Errno.EINTR);
        received = (int)Math.Max(n, 0);
        return n >= 0 ? Errno.None : Libc.LastError;
    }

    /// <summary>Says that no more will be sent.</summary>
    public static void EndSending(FileDescriptor socket) => _ = shutdown(socket.Number, SHUT_WR);
}
