using System.Buffers.Binary;
using System.Runtime.InteropServices;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux;

/// <summary>One instruction of a classic packet filter (struct sock_filter).</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct PacketFilterInstruction(ushort code, byte ifTrue, byte ifFalse, uint constant)
{
    private readonly ushort _code = code;
    private readonly byte _jt = ifTrue;
    private readonly byte _jf = ifFalse;
    private readonly uint _k = constant;
}

/// <summary>
/// An AF_PACKET socket (packet(7)) on one interface and one EtherType, without link headers: sees packets before the firewall does. Never blocks.
/// </summary>
public sealed unsafe class PacketSocket : IDisposable
{
    /// <summary>EtherType of IPv4.</summary>
    public const ushort Ipv4 = 0x0800;

    /// <summary>EtherType of ARP.</summary>
    public const ushort Arp = 0x0806;

    private readonly int _link;
    private readonly ushort _etherType;

    /// <summary>Opens it in the calling thread's network namespace.</summary>
    public PacketSocket(int link, ushort etherType, ReadOnlySpan<PacketFilterInstruction> filter)
    {
        _link = link;
        _etherType = BinaryPrimitives.ReverseEndianness(etherType);
        // Protocol 0: nothing is received before the filter is there and the interface is chosen.
        int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        Descriptor = fd >= 0 ? new FileDescriptor(fd) : throw new LinuxException(Libc.LastError, "socket", "AF_PACKET");
        fixed (PacketFilterInstruction* instructions = filter)
        {
            sock_fprog program = new() { len = (ushort)filter.Length, filter = instructions };
            if (filter.Length > 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(sock_fprog)) != 0)
                throw Refused("SO_ATTACH_FILTER");
        }
        sockaddr_ll address = new() { sll_family = (ushort)AF_PACKET, sll_protocol = _etherType, sll_ifindex = link };
        if (bind(fd, (sockaddr*)&address, sizeof(sockaddr_ll)) != 0)
            throw Refused("bind");
    }

    /// <summary>The descriptor, to poll.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Sends one packet to <paramref name="destination"/>; what is refused is lost, as on any network.</summary>
    public Errno TrySend(MacAddress destination, ReadOnlySpan<byte> packet)
    {
        sockaddr_ll address = new() { sll_family = (ushort)AF_PACKET, sll_protocol = _etherType, sll_ifindex = _link, sll_halen = MacAddress.Bytes };
        // SAFETY: sll_addr holds eight bytes, an Ethernet address six.
        destination.ToBytes().CopyTo(new Span<byte>(address.sll_addr, 8));
        fixed (byte* p = packet)
            return sendto(Descriptor.Number, p, packet.Length, 0, (sockaddr*)&address, sizeof(sockaddr_ll)) >= 0 ? Errno.None : Libc.LastError;
    }

    /// <summary>Receives one packet; EAGAIN when there is none, EMSGSIZE when it is longer than the buffer.</summary>
    public Errno TryReceive(Span<byte> buffer, out int length)
    {
        long n;
        fixed (byte* p = buffer)
            n = recvfrom(Descriptor.Number, p, buffer.Length, MSG_TRUNC, null, null);
        length = (int)Math.Max(n, 0);
        return n < 0 ? Libc.LastError : length > buffer.Length ? Errno.EMSGSIZE : Errno.None;
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    private LinuxException Refused(string operation)
    {
        Errno errno = Libc.LastError;
        Dispose();
        return new LinuxException(errno, operation, $"AF_PACKET on link {_link}");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct sock_fprog
    {
        internal ushort len;
        internal PacketFilterInstruction* filter;
    }
}
