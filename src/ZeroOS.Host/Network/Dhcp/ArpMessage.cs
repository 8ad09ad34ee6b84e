using System.Net;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Host.Network.Dhcp;

/// <summary>ARP for IPv4 on Ethernet (RFC 826), as far as finding out whether an address is in use (RFC 5227).</summary>
internal static class ArpMessage
{
    private const int MessageBytes = 28;

    /// <summary>Asks who has <paramref name="address"/> without claiming it.</summary>
    public static byte[] Probe(MacAddress own, IPAddress address) =>
        [0, 1, 8, 0, 6, 4, 0, 1, .. own.ToBytes(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. address.GetAddressBytes()];

    /// <summary>The sender says that the address is its own, and it is not us.</summary>
    public static bool IsFromOther(ReadOnlySpan<byte> message, IPAddress address, MacAddress own) =>
        message.Length >= MessageBytes && message[..6].SequenceEqual((ReadOnlySpan<byte>)[0, 1, 8, 0, 6, 4])
        && message[14..18].SequenceEqual(address.GetAddressBytes()) && new MacAddress(message[8..14]) != own;
}
