using System.Net;

namespace ZeroOS.Host.Network;

/// <summary>Addresses that are not the internet (IANA special-purpose registries): no guest and no fetcher goes there unless a rule before says so.</summary>
internal static class NotInternet
{
    /// <summary>IPv4: this network, private, shared, loopback, link-local, protocol assignments, documentation, benchmarks, multicast, reserved.</summary>
    public static IReadOnlyList<IPNetwork> V4 { get; } = Parse("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4");

    /// <summary>IPv6: everything but global unicast 2000::/3, and there documentation and 6to4, which can carry a private IPv4 address.</summary>
    public static IReadOnlyList<IPNetwork> V6 { get; } = Parse("::/3", "4000::/2", "8000::/1", "2001:db8::/32", "2002::/16");

    private static IPNetwork[] Parse(params string[] prefixes) => [.. prefixes.Select(p => IPNetwork.Parse(p))];
}
