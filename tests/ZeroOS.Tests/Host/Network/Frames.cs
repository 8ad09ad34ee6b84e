using System.Buffers.Binary;
using System.Net;

namespace ZeroOS.Tests.Host.Network;

/// <summary>Ethernet frames and IPv4 packets by hand.</summary>
internal static class Frames
{
    public static byte[] Udp(ReadOnlySpan<byte> to, ReadOnlySpan<byte> from, IPAddress source, IPAddress destination, int sourcePort, int destinationPort) =>
        [.. to, .. from, 8, 0, .. Packet(source, destination, 17,
            [(byte)(sourcePort >> 8), (byte)sourcePort, (byte)(destinationPort >> 8), (byte)destinationPort, 0, 9, 0, 0, 1])];

    /// <summary>An IPv4 packet; options are padded to four bytes, <paramref name="fragment"/> is the field with its flags.</summary>
    public static byte[] Packet(IPAddress source, IPAddress destination, byte protocol, ReadOnlySpan<byte> payload, byte[]? options = null,
        int fragment = 0, byte hops = 64)
    {
        int header = 20 + ((((options?.Length ?? 0) + 3) / 4) * 4);
        byte[] packet = new byte[header + payload.Length];
        packet[0] = (byte)(0x40 | (header / 4));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), (ushort)fragment);
        (packet[8], packet[9]) = (hops, protocol);
        source.GetAddressBytes().CopyTo(packet, 12);
        destination.GetAddressBytes().CopyTo(packet, 16);
        options?.CopyTo(packet, 20);
        payload.CopyTo(packet.AsSpan(header));
        uint sum = 0;
        for (int i = 0; i < header; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~sum);
        return packet;
    }
}
