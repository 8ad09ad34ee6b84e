using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.SystemTests.Network;

/// <summary>
/// Packets a stranger sends to find out what answers: IPv4 or IPv6 (RFC 791, RFC 8200) with TCP (RFC 9293), UDP (RFC 768) or a protocol number and nothing in
/// it.
/// </summary>
internal static class Probe
{
    /// <summary>IP protocol number of TCP.</summary>
    public const byte Tcp = 6;

    /// <summary>IP protocol number of UDP.</summary>
    public const byte Udp = 17;

    /// <summary>IP protocol numbers of ICMP (RFC 792) and ICMPv6 (RFC 4443).</summary>
    public const byte Icmp = 1, Icmp6 = 58;

    /// <summary>A request to connect: a segment with SYN.</summary>
    public static byte[] Syn(IPAddress from, IPAddress to, ushort fromPort, ushort toPort)
    {
        Span<byte> segment = stackalloc byte[20];
        BinaryPrimitives.WriteUInt16BigEndian(segment, fromPort);
        BinaryPrimitives.WriteUInt16BigEndian(segment[2..], toPort);
        BinaryPrimitives.WriteUInt32BigEndian(segment[4..], 0x5a05_0000u + toPort);
        segment[12] = 5 << 4;
        segment[13] = 0x02;
        BinaryPrimitives.WriteUInt16BigEndian(segment[14..], 1024);
        return Packet(from, to, Tcp, segment, checksumAt: 16);
    }

    /// <summary>A datagram of a few bytes that mean nothing.</summary>
    public static byte[] Datagram(IPAddress from, IPAddress to, ushort fromPort, ushort toPort)
    {
        Span<byte> datagram = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(datagram, fromPort);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[2..], toPort);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[4..], (ushort)datagram.Length);
        return Packet(from, to, Udp, datagram, checksumAt: 6);
    }

    /// <summary>Ping.</summary>
    public static byte[] Echo(IPAddress from, IPAddress to)
    {
        bool six = to.AddressFamily == AddressFamily.InterNetworkV6;
        return Packet(from, to, six ? Icmp6 : Icmp, [six ? (byte)128 : (byte)8, 0, 0, 0, 0x5a, 0x05, 0, 1], checksumAt: 2);
    }

    /// <summary>Eight zero bytes under any protocol number.</summary>
    public static byte[] OfProtocol(IPAddress from, IPAddress to, byte protocol) => Packet(from, to, protocol, stackalloc byte[8], checksumAt: -1);

    private static byte[] Packet(IPAddress from, IPAddress to, byte protocol, Span<byte> payload, int checksumAt)
    {
        bool six = to.AddressFamily == AddressFamily.InterNetworkV6;
        int head = six ? 40 : 20;
        byte[] packet = new byte[head + payload.Length];
        Span<byte> ip = packet;
        byte[] source = from.GetAddressBytes(), target = to.GetAddressBytes();
        if (six)
        {
            ip[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)payload.Length);
            (ip[6], ip[7]) = (protocol, 64);
        }
        else
        {
            (ip[0], ip[8], ip[9]) = (0x45, 64, protocol);
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)packet.Length);
        }
        source.CopyTo(ip[(six ? 8 : 12)..]);
        target.CopyTo(ip[(six ? 24 : 16)..]);
        if (!six)
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(0, ip[..20]));
        if (checksumAt >= 0)
        {
            uint pseudo = protocol == Icmp ? 0 : Sum(Sum(0, source), target) + protocol + (uint)payload.Length;
            BinaryPrimitives.WriteUInt16BigEndian(payload[checksumAt..], Checksum(pseudo, payload));
        }
        payload.CopyTo(ip[head..]);
        return packet;
    }

    private static ushort Checksum(uint start, ReadOnlySpan<byte> bytes)
    {
        uint sum = Sum(start, bytes);
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    private static uint Sum(uint sum, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return sum;
    }
}
