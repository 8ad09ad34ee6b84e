using System.Net;
using System.Net.Sockets;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Host.Network;

/// <summary>The node's way out at one moment; never changes once made.</summary>
public sealed record UplinkState
{
    /// <summary>Wired cards, in the kernel's order.</summary>
    public IReadOnlyList<UplinkNic> Nics { get; init; } = [];

    /// <summary>Addresses of those cards, link-local ones left out.</summary>
    public IReadOnlyList<UplinkAddress> Addresses { get; init; } = [];

    /// <summary>Every prefix that is reached without a router: no guest may.</summary>
    public IReadOnlyList<IPNetwork> OnLink { get; init; } = [];

    /// <summary>IPv4 next hop to the internet, or null.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>IPv6 next hop to the internet, or null.</summary>
    public IPAddress? Gateway6 { get; init; }

    /// <summary>Name servers from leases and router advertisements.</summary>
    public IReadOnlyList<IPAddress> Resolvers { get; init; } = [];

    /// <summary>Time servers from leases.</summary>
    public IReadOnlyList<IPAddress> TimeServers { get; init; } = [];

    /// <summary>Largest packet in bytes that every card with a carrier takes, as its lease and its routers say; null while there is none.</summary>
    public int? Mtu { get; init; }

    /// <summary>What is well and what is not, each with a sentence.</summary>
    public IReadOnlyList<UplinkCondition> Conditions { get; init; } = [];

    /// <summary>Has an address that others can reach.</summary>
    public bool HasAddress => Addresses.Count > 0;

    /// <summary>Lines for /etc/resolv.conf; the C library reads three at most.</summary>
    public string ResolvConf => string.Concat(Resolvers.Take(3).Select(r => $"nameserver {r}\n"));

    /// <summary>Everything as text: equal when nothing changed.</summary>
    internal string Fingerprint => string.Join('|', string.Join(',', Nics), string.Join(',', Addresses), string.Join(',', OnLink), Gateway, Gateway6, Mtu,
        string.Join(',', Resolvers), string.Join(',', TimeServers), string.Join(',', Conditions));

    internal IPAddress? FirstResolver4 => Resolvers.FirstOrDefault(r => r.AddressFamily == AddressFamily.InterNetwork);
}

/// <summary>A wired card.</summary>
public sealed record UplinkNic(string Name, int Index, MacAddress Mac, bool HasCarrier, string Dhcp);

/// <summary>An address of a card with its prefix length.</summary>
public sealed record UplinkAddress(string Nic, IPAddress Address, int PrefixLength);

/// <summary>One thing that is well or not: "link", "address", "gateway", "resolver".</summary>
public sealed record UplinkCondition(string Name, bool Ok, string Message);
