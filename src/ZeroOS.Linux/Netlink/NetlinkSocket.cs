using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ZeroOS.Linux.Netlink;

/// <summary>
/// A netlink socket (netlink(7)). It stays in the network namespace of the thread that made it, whoever uses it later. One request at a time.
/// </summary>
public sealed unsafe class NetlinkSocket : IDisposable
{
    private const int NETLINK_CAP_ACK = 10, NETLINK_EXT_ACK = 11, NETLINK_GET_STRICT_CHK = 12;
    private const int NLMSG_ERROR = 2, NLMSG_DONE = 3, NLMSGERR_ATTR_MSG = 1;
    private const int DatagramBytes = 256 * 1024, DumpAttempts = 8;
    private readonly Lock _lock = new();
    private readonly byte[] _buffer = new byte[DatagramBytes];
    private uint _sequence;

    /// <summary>Opens a socket in the calling thread's network namespace; <paramref name="groups"/> is the mask of multicast groups to hear.</summary>
    public NetlinkSocket(NetlinkProtocol protocol, uint groups = 0)
    {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)protocol);
        Descriptor = fd >= 0 ? new FileDescriptor(fd) : throw new LinuxException(Libc.LastError, "socket", $"netlink {protocol}");
        Option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
        Option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
        if (protocol == NetlinkProtocol.Route)
            Option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
        // Large rule sets and bursts of events overflow the default buffers; a refusal leaves the default.
        Option(SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20);
        Option(SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
        // The kernel answers at once; a lost answer must not stop the node for ever.
        timespec patience = new() { tv_sec = 10 };
        _ = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(timespec));
        sockaddr_nl address = new() { nl_family = (ushort)AF_NETLINK, nl_groups = groups };
        if (bind(fd, (sockaddr*)&address, sizeof(sockaddr_nl)) != 0)
            throw new LinuxException(Libc.LastError, "bind", $"netlink {protocol}");
    }

    /// <summary>The descriptor, to poll.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Sends every message of <paramref name="request"/> and waits for the kernel's answer to each.</summary>
    /// <exception cref="LinuxException">The first refusal, with the kernel's own sentence where it gives one.</exception>
    public void Execute(NetlinkWriter request, string operation, string subject)
    {
        lock (_lock)
        {
            uint last = Send(request, operation, subject);
            Await(last, null, operation, subject);
        }
    }

    /// <summary>Sends one nftables batch: all of it happens, or nothing.</summary>
    /// <exception cref="LinuxException">The first refusal; the message's number in the batch is in the subject.</exception>
    internal void Commit(NetlinkWriter batch, int acknowledged, string operation, string subject)
    {
        lock (_lock)
        {
            uint last = Send(batch, operation, subject);
            uint first = last - (uint)(batch.Messages.Count - 1);
            Await(first + (uint)acknowledged, first, operation, subject);
        }
    }

    /// <summary>
    /// Asks for everything of a kind and parses each message with <paramref name="parse"/>; asks again when the kernel says the answer is torn.
    /// </summary>
    public List<T> Dump<T>(Func<NetlinkWriter> request, Parse<T> parse, string subject)
    {
        lock (_lock)
        {
            for (int attempt = 0; ; attempt++)
            {
                uint sequence = Send(request(), "dump", subject);
                List<T> found = [];
                bool torn = false;
                while (!ReadDump(sequence, found, parse, subject, ref torn))
                {
                }
                if (!torn || attempt == DumpAttempts)
                    return found;
            }
        }
    }

    /// <summary>
    /// Receives one datagram of events into <paramref name="buffer"/> without waiting; ENOBUFS means some were lost and all must be read anew.
    /// </summary>
    public Errno TryReceive(Span<byte> buffer, out int length) => Receive(buffer, MSG_DONTWAIT, out length);

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    private bool ReadDump<T>(uint sequence, List<T> found, Parse<T> parse, string subject, ref bool torn)
    {
        int length = ReceiveOrThrow("dump", subject);
        NetlinkReader reader = new(_buffer.AsSpan(0, length));
        while (reader.TryNext(out NetlinkMessage message))
        {
            if (message.Sequence != sequence)
                continue;
            torn |= message.Flags.HasFlag(NetlinkFlags.DumpInterrupted);
            if (message.Type == NLMSG_DONE)
                return true;
            if (message.Type == NLMSG_ERROR)
                throw Refusal(message, "dump", subject);
            if (parse(message, out T item))
                found.Add(item);
        }
        return false;
    }

    private uint Send(NetlinkWriter request, string operation, string subject)
    {
        Span<byte> bytes = request.Bytes;
        foreach (int start in request.Messages)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(start + 8)..], ++_sequence);
        sockaddr_nl kernel = new() { nl_family = (ushort)AF_NETLINK };
        fixed (byte* p = bytes)
        {
            while (sendto(Descriptor.Number, p, bytes.Length, 0, (sockaddr*)&kernel, sizeof(sockaddr_nl)) < 0)
            {
                if (Libc.LastError is var e && e != Errno.EINTR)
                    throw new LinuxException(e, operation, subject);
            }
        }
        return _sequence;
    }

    /// <summary>
    /// Reads answers until that to <paramref name="last"/>, or one to <paramref name="wholeBatch"/>: the kernel reports a failed commit on the batch's first
    /// message.
    /// </summary>
    private void Await(uint last, uint? wholeBatch, string operation, string subject)
    {
        LinuxException? refused = null;
        while (true)
        {
            int length = ReceiveOrThrow(operation, subject);
            NetlinkReader reader = new(_buffer.AsSpan(0, length));
            while (reader.TryNext(out NetlinkMessage message))
            {
                if (message.Type != NLMSG_ERROR || message.Sequence > last || message.Body.Length < 4)
                    continue;
                bool failed = BinaryPrimitives.ReadInt32LittleEndian(message.Body) != 0;
                if (failed)
                    refused ??= Refusal(message, operation, wholeBatch is { } first ? $"{subject} (message {message.Sequence - first} of the batch)" : subject);
                if (message.Sequence != last && !(failed && message.Sequence == wholeBatch))
                    continue;
                if (refused is not null)
                    throw refused;
                return;
            }
        }
    }

    private static LinuxException Refusal(in NetlinkMessage message, string operation, string subject)
    {
        int code = message.Body.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(message.Body) : -(int)Errno.EPROTO;
        string? why = ExtendedText(message);
        return new LinuxException((Errno)(-code), operation, why is null ? subject : $"{subject} ({why})");
    }

    /// <summary>The sentence in an extended acknowledgement (NLMSGERR_ATTR_MSG), if there is one.</summary>
    internal static string? ExtendedText(in NetlinkMessage message)
    {
        const int ErrorBytes = 4 + NetlinkWriter.HeaderBytes;
        if (!message.Flags.HasFlag(NetlinkFlags.AckAttributes) || message.Body.Length < ErrorBytes)
            return null;
        int offset = ErrorBytes;
        if (!message.Flags.HasFlag(NetlinkFlags.Capped))
        {
            uint original = BinaryPrimitives.ReadUInt32LittleEndian(message.Body[4..]);
            if (original > (uint)message.Body.Length)
                return null;
            offset = Math.Max(offset, 4 + (((int)original + 3) & ~3));
        }
        if (offset > message.Body.Length)
            return null;
        AttributeReader attributes = new(message.Body[offset..]);
        while (attributes.TryNext(out int type, out ReadOnlySpan<byte> value))
        {
            if (type == NLMSGERR_ATTR_MSG)
                return AttributeReader.Text(value);
        }
        return null;
    }

    private int ReceiveOrThrow(string operation, string subject) =>
        Receive(_buffer, 0, out int length) is var e && e == Errno.None
        ? length
        : throw new LinuxException(e == Errno.EAGAIN ? Errno.ETIMEDOUT : e, operation, subject);

    private Errno Receive(Span<byte> buffer, int flags, out int length)
    {
        while (true)
        {
            sockaddr_nl sender = default;
            socklen_t senderBytes = sizeof(sockaddr_nl);
            long n;
            fixed (byte* p = buffer)
                n = recvfrom(Descriptor.Number, p, buffer.Length, flags | MSG_TRUNC, (sockaddr*)&sender, &senderBytes);
            length = (int)Math.Max(0, n);
            if (n < 0)
            {
                if (Libc.LastError is var e && e != Errno.EINTR)
                    return e;
                continue;
            }
            if (length > buffer.Length)
                return Errno.EMSGSIZE;
            // Any process may write to a netlink socket; only the kernel has port 0.
            if (sender.nl_pid == 0)
                return Errno.None;
        }
    }

    private void Option(int level, int option, int value) => _ = setsockopt(Descriptor.Number, level, option, &value, sizeof(int));

    [StructLayout(LayoutKind.Sequential)]
    private struct sockaddr_nl
    {
        internal ushort nl_family;
        internal ushort nl_pad;
        internal uint nl_pid;
        internal uint nl_groups;
    }
}

/// <summary>Turns one message into an item, or says that it is none.</summary>
public delegate bool Parse<T>(in NetlinkMessage message, out T item);
