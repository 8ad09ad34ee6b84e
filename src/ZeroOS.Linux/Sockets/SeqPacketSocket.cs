namespace ZeroOS.Linux;

/// <summary>
/// One end of a unix(7) SOCK_SEQPACKET pair: whole messages, in order, with descriptors beside them. How PID 1, the node and the
/// monitors talk. Messages are at most <see cref="MaxMessage"/> bytes with at most <see cref="MaxDescriptors"/> descriptors.
/// </summary>
public sealed unsafe class SeqPacketSocket : IDisposable
{
    /// <summary>Bytes in one message at most.</summary>
    public const int MaxMessage = 65536;

    /// <summary>Descriptors in one message at most.</summary>
    public const int MaxDescriptors = 32;

    private const int ControlBytes = 16 + (MaxDescriptors * sizeof(int));

    /// <summary>Takes ownership of a descriptor that is such a socket.</summary>
    public SeqPacketSocket(FileDescriptor descriptor) => Descriptor = descriptor;

    /// <summary>The descriptor, to poll, duplicate or hand over.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Makes two connected ends.</summary>
    public static (SeqPacketSocket One, SeqPacketSocket Other) Pair()
    {
        int* pair = stackalloc int[2];
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0
            ? (new SeqPacketSocket(new FileDescriptor(pair[0])), new SeqPacketSocket(new FileDescriptor(pair[1])))
            : throw new LinuxException(Libc.LastError, "socketpair", "seqpacket");
    }

    /// <summary>Sends one message; EAGAIN if <paramref name="wait"/> is false and the peer's buffer is full, EPIPE if the peer is gone.</summary>
    public Errno TrySend(ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors = default, bool wait = true)
    {
        if (message.Length > MaxMessage || descriptors.Length > MaxDescriptors)
            return Errno.EMSGSIZE;
        byte* control = stackalloc byte[ControlBytes];
        fixed (byte* p = message)
        {
            iovec part = new() { iov_base = p, iov_len = message.Length };
            msghdr header = new() { msg_iov = &part, msg_iovlen = 1 };
            if (!descriptors.IsEmpty)
            {
                // SAFETY: control holds one cmsghdr (16 bytes) and MaxDescriptors ints, and the count was checked above.
                cmsghdr* c = (cmsghdr*)control;
                // Not by CMSG_LEN: that of Tmds.LibC 0.5.0 rounds up, and a descriptor that nobody gave would go along.
                c->cmsg_len = sizeof(cmsghdr) + (descriptors.Length * sizeof(int));
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                descriptors.CopyTo(new Span<int>(control + sizeof(cmsghdr), descriptors.Length));
                header.msg_control = control;
                header.msg_controllen = CMSG_SPACE(descriptors.Length * sizeof(int));
            }
            while (true)
            {
                if (sendmsg(Descriptor.Number, &header, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0)
                    return Errno.None;
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
        }
    }

    /// <summary>
    /// Receives one message into <paramref name="buffer"/>. 0 bytes and no error: the peer closed. A message longer than the buffer, or
    /// with more descriptors than fit, is EMSGSIZE and its descriptors are closed.
    /// </summary>
    public Errno TryReceive(Span<byte> buffer, out int length, out FileDescriptor[] descriptors, bool wait = true)
    {
        byte* control = stackalloc byte[ControlBytes];
        descriptors = [];
        length = 0;
        fixed (byte* p = buffer)
        {
            iovec part = new() { iov_base = p, iov_len = buffer.Length };
            msghdr header = new() { msg_iov = &part, msg_iovlen = 1, msg_control = control, msg_controllen = ControlBytes };
            long n;
            while ((n = recvmsg(Descriptor.Number, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT))) < 0)
            {
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
            }
            length = (int)n;
            cmsghdr* c = (cmsghdr*)control;
            if ((uint)header.msg_controllen >= sizeof(cmsghdr) && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            {
                // SAFETY: the kernel wrote cmsg_len, and it never exceeds the control buffer it was given.
                int count = ((int)c->cmsg_len - sizeof(cmsghdr)) / sizeof(int);
                descriptors = new FileDescriptor[count];
                for (int i = 0; i < count; i++)
                    descriptors[i] = new FileDescriptor(((int*)(control + sizeof(cmsghdr)))[i]);
            }
            if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
                return Errno.None;
            foreach (FileDescriptor d in descriptors)
                d.Dispose();
            descriptors = [];
            return Errno.EMSGSIZE;
        }
    }

    /// <summary>Ends both directions at once: the peer sees the end, and a thread of ours that waits in a send or receive is woken.</summary>
    public void Shutdown() => _ = shutdown(Descriptor.Number, SHUT_RDWR);

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
