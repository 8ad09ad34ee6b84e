using System.Buffers.Binary;
using System.Net;

namespace ZeroOS.Linux.Netlink;

/// <summary>Resolvers in a router advertisement (RFC 8106, 5.1), passed on by the kernel as RTM_NEWNDUSEROPT.</summary>
public sealed record RouterResolvers(int Link, uint LifetimeSeconds, IReadOnlyList<IPAddress> Addresses)
{
    private const int RTM_NEWNDUSEROPT = 68, FixedBytes = 16, ND_OPT_RDNSS = 25, MostAddresses = 8;

    /// <summary>Reads the body of RTM_NEWNDUSEROPT; other options are none.</summary>
    public static bool TryRead(in NetlinkMessage message, out RouterResolvers resolvers)
    {
        resolvers = new RouterResolvers(0, 0, []);
        ReadOnlySpan<byte> body = message.Body;
        if (message.Type != RTM_NEWNDUSEROPT || body.Length < FixedBytes + 8)
            return false;
        int bytes = BinaryPrimitives.ReadUInt16LittleEndian(body[2..]);
        ReadOnlySpan<byte> option = body[FixedBytes..];
        if (bytes < 24 || bytes > option.Length || option[0] != ND_OPT_RDNSS || option[1] * 8 != bytes)
            return false;
        List<IPAddress> addresses = [];
        for (int at = 8; at + 16 <= bytes && addresses.Count < MostAddresses; at += 16)
            addresses.Add(new IPAddress(option.Slice(at, 16)));
        resolvers = new RouterResolvers(BinaryPrimitives.ReadInt32LittleEndian(body[4..]), BinaryPrimitives.ReadUInt32BigEndian(option[4..]), addresses);
        return true;
    }
}
