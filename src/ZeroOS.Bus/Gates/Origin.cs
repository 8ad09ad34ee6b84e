using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// Where a message came from, as coarse as limits need it: an IPv4 address or an IPv6 /64, and the wider networks around it. Says nothing about who sent it.
/// </summary>
public readonly record struct Origin(UInt128 Network)
{
    /// <summary>Levels of the tree at most: /48, /56 and /64; of IPv4 there are two, /24 and the address.</summary>
    public const int MaxLevels = 3;

    private const int Ipv4Marker = 1;       // in the last byte, which is 0 in every IPv6 network: no number is both

    /// <summary>How many levels this origin has.</summary>
    public int Levels => IsIpv4 ? 2 : MaxLevels;

    private bool IsIpv4 => (Network & 0xFF) == Ipv4Marker;

    /// <summary>The origin of a transport address.</summary>
    public static Origin Of(IPAddress? address)
    {
        if (address is null)
            return default;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (!address.TryWriteBytes(bytes, out _))
            return default;
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            bytes[8..].Clear();
        else
            bytes[15] = Ipv4Marker;
        return new Origin(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>The network around it at a level, 0 the widest; at the last level it is the origin itself. Networks of two levels are never equal.</summary>
    public UInt128 Branch(int level)
    {
        int kept = IsIpv4 ? 24 + (8 * level) : 48 + (8 * level);
        UInt128 mask = ~(UInt128.MaxValue >> kept);
        return (Network & mask) | (UInt128)(uint)(level << 8) | (IsIpv4 ? Ipv4Marker : 0u);
    }
}
