using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Bus.Gates;

/// <summary>Where a message came from, as coarse as limits need it: an IPv4 address or an IPv6 /64. Says nothing about who sent it.</summary>
public readonly record struct Origin(UInt128 Network)
{
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
            bytes[15] = 1;      // keeps IPv4 apart from every /64
        return new Origin(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }
}
