using System.Buffers.Binary;
using System.Net;

using ZeroOS.Linux;

namespace ZeroOS.Host.Network.Dhcp;

/// <summary>The IPv4 and UDP headers around a DHCP message (RFC 791, 768), which the kernel cannot write for a card without an address.</summary>
internal static class DhcpFrame
{
    private const int IpBytes = 20, UdpBytes = 8;
    private const ushort ServerPort = 67, ClientPort = 68;
    private const byte Udp = 17;

    /// <summary>
    /// Lets only unfragmented UDP to port 68 up to us, so that a busy card does not wake the node: ldb [9]; jeq 17; ldh [6]; jset 0x3fff;
    /// ldxb 4*([0]&amp;0xf); ldh [x+2]; jeq 68; ret all / ret 0.
    /// </summary>
    public static PacketFilterInstruction[] Filter { get; } =
    [
        new(0x30, 0, 0, 9), new(0x15, 0, 6, Udp), new(0x28, 0, 0, 6), new(0x45, 4, 0, 0x3fff), new(0xb1, 0, 0, 0), new(0x48, 0, 0, 2),
        new(0x15, 0, 1, ClientPort), new(0x06, 0, 0, 0x40000), new(0x06, 0, 0, 0),
    ];

    /// <summary>A packet from <paramref name="source"/> to everybody on the link.</summary>
    public static byte[] Write(IPAddress source, ReadOnlySpan<byte> message)
    {
        byte[] packet = new byte[IpBytes + UdpBytes + message.Length];
        Span<byte> ip = packet.AsSpan(0, IpBytes), udp = packet.AsSpan(IpBytes);
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)packet.Length);
        ip[8] = 64;
        ip[9] = Udp;
        source.GetAddressBytes().CopyTo(ip[12..]);
        ip[16..20].Fill(255);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Fold(Sum(ip, 0)));
        BinaryPrimitives.WriteUInt16BigEndian(udp, ClientPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], ServerPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        message.CopyTo(udp[UdpBytes..]);
        ushort checksum = Fold(Sum(udp, Sum(ip[12..20], Udp + (uint)udp.Length)));
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], checksum == 0 ? (ushort)0xffff : checksum);
        return packet;
    }

    /// <summary>
    /// Finds the DHCP message in a packet to a client. The UDP checksum is not looked at: a virtual card on the same host leaves it for
    /// hardware that never comes, and the message is checked field by field anyway.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (packet.Length < IpBytes || packet[0] >> 4 != 4 || packet[9] != Udp)
            return false;
        int header = (packet[0] & 15) * 4, total = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (header < IpBytes || total < header + UdpBytes || total > packet.Length || (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) != 0
            || Fold(Sum(packet[..header], 0)) != 0)
            return false;
        ReadOnlySpan<byte> udp = packet[header..total];
        int length = BinaryPrimitives.ReadUInt16BigEndian(udp[4..]);
        if (BinaryPrimitives.ReadUInt16BigEndian(udp) != ServerPort || BinaryPrimitives.ReadUInt16BigEndian(udp[2..]) != ClientPort || length < UdpBytes
            || length > udp.Length)
            return false;
        message = udp[UdpBytes..length];
        return true;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i + 1 < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return (bytes.Length & 1) == 0 ? sum : sum + ((uint)bytes[^1] << 8);
    }

    private static ushort Fold(uint sum)
    {
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
