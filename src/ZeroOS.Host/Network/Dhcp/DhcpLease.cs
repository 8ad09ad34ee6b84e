using System.Net;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Host.Network.Dhcp;

/// <summary>What a server gave us. Kept as the message it came in, so that a stored lease is read by the decoder that reads the network.</summary>
internal sealed record DhcpLease
{
    private const int MostResolvers = 4, MostRoutes = 32, LeastMtu = 576, MostMtu = 9216;
    private static readonly IPNetwork s_loopback = IPNetwork.Parse("127.0.0.0/8");
    private static readonly TimeSpan s_unsaid = TimeSpan.FromMinutes(30), s_least = TimeSpan.FromSeconds(30);

    /// <summary>Our address.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>Length of the on-link prefix.</summary>
    public required int PrefixLength { get; init; }

    /// <summary>Who gave it.</summary>
    public required IPAddress Server { get; init; }

    /// <summary>Next hop to everywhere, or null.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>Other routes (RFC 3442); a next hop of null is on-link.</summary>
    public IReadOnlyList<(IPNetwork Destination, IPAddress? Gateway)> Routes { get; init; } = [];

    /// <summary>Name servers, at most 4.</summary>
    public IReadOnlyList<IPAddress> Resolvers { get; init; } = [];

    /// <summary>Time servers, at most 4.</summary>
    public IReadOnlyList<IPAddress> TimeServers { get; init; } = [];

    /// <summary>Largest packet, or null.</summary>
    public int? Mtu { get; init; }

    /// <summary>How long it is ours; null is for ever.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>When to ask the server again, from the start.</summary>
    public TimeSpan RenewAfter { get; init; }

    /// <summary>When to ask any server, from the start.</summary>
    public TimeSpan RebindAfter { get; init; }

    /// <summary>The message it came in.</summary>
    public required ReadOnlyMemory<byte> Message { get; init; }

    /// <summary>Reads a lease out of an offer or acknowledgement; false when it cannot be used.</summary>
    public static bool TryRead(DhcpMessage message, ReadOnlyMemory<byte> bytes, out DhcpLease lease)
    {
        lease = null!;
        if (!IsHost(message.YourAddress) || message.Address(DhcpOption.ServerId) is not { } server
            || !TryPrefixLength(message.Address(DhcpOption.SubnetMask), out int prefixLength))
            return false;
        (IPAddress? gateway, List<(IPNetwork, IPAddress?)> routes) = ReadRoutes(message.Option(DhcpOption.ClasslessRoutes));
        // RFC 3442: a client that reads the classless routes must not read the router option.
        if (message.Option(DhcpOption.ClasslessRoutes).IsEmpty)
            gateway = message.Addresses(DhcpOption.Router, 1).FirstOrDefault(IsHost);
        uint seconds = message.Number(DhcpOption.LeaseTime) ?? (uint)s_unsaid.TotalSeconds;
        TimeSpan? duration = seconds == uint.MaxValue ? null : Longer(TimeSpan.FromSeconds(seconds), s_least);
        TimeSpan whole = duration ?? TimeSpan.FromDays(3650);
        TimeSpan rebind = Within(message.Number(DhcpOption.RebindingTime), whole * 7 / 8, whole);
        int? mtu = message.Option(DhcpOption.Mtu) is [var high, var low] && ((high << 8) | low) is >= LeastMtu and <= MostMtu and var bytesOfMtu
            ? bytesOfMtu : null;
        lease = new DhcpLease
        {
            Address = message.YourAddress,
            PrefixLength = prefixLength,
            Server = server,
            Gateway = gateway,
            Routes = routes,
            Resolvers = [.. message.Addresses(DhcpOption.Resolver, MostResolvers).Where(IsHost)],
            TimeServers = [.. message.Addresses(DhcpOption.TimeServer, MostResolvers).Where(IsHost)],
            Mtu = mtu,
            Duration = duration,
            RebindAfter = rebind,
            RenewAfter = Within(message.Number(DhcpOption.RenewalTime), whole / 2, rebind),
            Message = bytes,
        };
        return true;
    }

    /// <summary>Says the same as another, whenever it was given.</summary>
    public bool ConfiguresLike(DhcpLease? other) =>
        other is not null && Address.Equals(other.Address) && PrefixLength == other.PrefixLength && Equals(Gateway, other.Gateway) && Mtu == other.Mtu
        && Routes.SequenceEqual(other.Routes) && Resolvers.SequenceEqual(other.Resolvers) && TimeServers.SequenceEqual(other.TimeServers);

    private static (IPAddress? Gateway, List<(IPNetwork, IPAddress?)> Routes) ReadRoutes(ReadOnlySpan<byte> option)
    {
        IPAddress? gateway = null;
        List<(IPNetwork, IPAddress?)> routes = [];
        while (option.Length > 0 && routes.Count < MostRoutes)
        {
            int prefix = option[0], significant = (prefix + 7) / 8;
            if (prefix > 32 || option.Length < 1 + significant + 4)
                break;
            byte[] destination = new byte[4];
            option.Slice(1, significant).CopyTo(destination);
            IPAddress via = new(option.Slice(1 + significant, 4));
            option = option[(1 + significant + 4)..];
            if (prefix == 0 && IsHost(via))
                gateway ??= via;
            else if (prefix > 0 && (IsHost(via) || via.Equals(IPAddress.Any)) && Prefixes.Truncate(new IPAddress(destination), prefix) is var way
                && !IsOurs(way))
                routes.Add((way, via.Equals(IPAddress.Any) ? null : via));
        }
        return (gateway, routes);
    }

    /// <summary>
    /// Addresses that no server of a LAN says the way to: those of the cables, for a route to one of them would lead a published port to the LAN, and the
    /// node's own.
    /// </summary>
    private static bool IsOurs(IPNetwork destination) => Prefixes.Overlap(destination, TenantNetwork.Pool) || Prefixes.Overlap(destination, s_loopback);

    private static bool TryPrefixLength(IPAddress? mask, out int length)
    {
        // No mask: the narrowest guess that reaches a gateway on most networks.
        length = 24;
        if (mask is null)
            return true;
        byte[] b = mask.GetAddressBytes();
        uint bits = ((uint)b[0] << 24) | ((uint)b[1] << 16) | ((uint)b[2] << 8) | b[3];
        length = System.Numerics.BitOperations.LeadingZeroCount(~bits);
        return length is >= 1 and <= 32 && (length == 32 || bits << length == 0);
    }

    private static bool IsHost(IPAddress address) => address.GetAddressBytes() is [not (0 or 127 or >= 224), ..];

    private static TimeSpan Within(uint? seconds, TimeSpan otherwise, TimeSpan most) =>
        seconds is > 0 and { } s && TimeSpan.FromSeconds(s) < most ? TimeSpan.FromSeconds(s) : otherwise < most ? otherwise : most;

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
