using System.Net;

namespace ZeroOS.Linux.Netfilter;

/// <summary>Which packets a table sees (NFPROTO_*).</summary>
public enum NftFamily : byte
{
    /// <summary>IPv4 and IPv6.</summary>
    Inet = 1,

    /// <summary>ARP packets that this namespace itself hears or sends.</summary>
    Arp = 3,

    /// <summary>Frames that cross a bridge.</summary>
    Bridge = 7,
}

/// <summary>Where a base chain hooks in (enum nf_inet_hooks; bridges have the same first five).</summary>
public enum NftHook
{
    /// <summary>Everything that comes in.</summary>
    Prerouting = 0,

    /// <summary>For this node.</summary>
    Input = 1,

    /// <summary>Through this node.</summary>
    Forward = 2,

    /// <summary>From this node.</summary>
    Output = 3,

    /// <summary>Everything that goes out.</summary>
    Postrouting = 4,
}

/// <summary>What a counter of a rule is kept by.</summary>
public enum NftKey
{
    /// <summary>Name of the interface it came in by.</summary>
    InputLink,

    /// <summary>Name of the interface it goes out by.</summary>
    OutputLink,

    /// <summary>IPv4 source.</summary>
    Source4,

    /// <summary>IPv4 destination.</summary>
    Destination4,

    /// <summary>The /64 of the IPv6 source: who has one has all its addresses.</summary>
    Source6Network,
}

/// <summary>A table as it shall be: sets and chains with their rules.</summary>
public sealed class NftTable(NftFamily family, string name)
{
    private readonly List<NftSet> _sets = [];
    private readonly List<NftChain> _chains = [];

    /// <summary>Which packets it sees.</summary>
    public NftFamily Family { get; } = family;

    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Its sets.</summary>
    public IReadOnlyList<NftSet> Sets => _sets;

    /// <summary>Its chains.</summary>
    public IReadOnlyList<NftChain> Chains => _chains;

    /// <summary>Adds a set of prefixes; those of the other IP version are left out.</summary>
    public NftSet Prefixes(string name, bool v6, IEnumerable<IPNetwork> prefixes) => Add(NftSet.OfPrefixes(name, v6, prefixes));

    /// <summary>Adds a set of interface names.</summary>
    public NftSet Interfaces(string name, IEnumerable<string> names) => Add(NftSet.OfInterfaces(name, names));

    /// <summary>Adds a set that rules fill with counters.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="key">What they are kept by, or another of its kind: links are one kind, IPv4 addresses are one.</param>
    /// <param name="size">Most keys.</param>
    /// <param name="timeout">How long a key is kept after its last packet; null for counters of connections, which the kernel takes away with the last.</param>
    public NftSet Dynamic(string name, NftKey key, int size, TimeSpan? timeout = null) => Add(NftSet.OfKeys(name, key, size, timeout));

    /// <summary>Adds a chain that sees packets at <paramref name="hook"/> before connection tracking does.</summary>
    public NftChain Early(string name, NftHook hook) => Filter(name, hook, drop: false, priority: -300);

    /// <summary>Adds a chain that filters at <paramref name="hook"/>.</summary>
    public NftChain Filter(string name, NftHook hook, bool drop, int priority = 0) =>
        Add(new NftChain(name) { Type = "filter", Hook = hook, Priority = priority, Drop = drop });

    /// <summary>Adds a chain that translates addresses at <paramref name="hook"/>: asked once per connection.</summary>
    public NftChain Nat(string name, NftHook hook) => Add(new NftChain(name) { Type = "nat", Hook = hook, Priority = hook == NftHook.Prerouting ? -100 : 100 });

    /// <summary>Adds a chain that others jump to; it must be added before them.</summary>
    public NftChain Chain(string name) => Add(new NftChain(name));

    private NftSet Add(NftSet set)
    {
        _sets.Add(set);
        return set;
    }

    /// <summary>Adds a chain made by hand.</summary>
    public NftChain Add(NftChain chain)
    {
        _chains.Add(chain);
        return chain;
    }
}

/// <summary>A chain: rules in order, and what becomes of a packet that passes them all.</summary>
public sealed class NftChain(string name)
{
    private readonly List<NftRule> _rules = [];

    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>"filter" or "nat"; null for a chain that is only jumped to.</summary>
    public string? Type { get; init; }

    /// <summary>Where it hooks in.</summary>
    public NftHook Hook { get; init; }

    /// <summary>The smaller one comes first.</summary>
    public int Priority { get; init; }

    /// <summary>A packet that passes all rules is dropped.</summary>
    public bool Drop { get; init; }

    /// <summary>Its rules.</summary>
    public IReadOnlyList<NftRule> Rules => _rules;

    /// <summary>Appends a rule.</summary>
    public NftChain Add(NftRule rule)
    {
        _rules.Add(rule);
        return this;
    }
}
