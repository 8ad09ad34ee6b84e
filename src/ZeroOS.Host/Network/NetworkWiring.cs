using System.Net;

using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Network;

/// <summary>The links of tenant networks: made, found again, and told the uplink's MTU.</summary>
internal sealed class NetworkWiring(NetworkNamespace root, string directory)
{
    /// <summary>What IPv6 asks of every link (RFC 8200, 5), and the least a card of a machine is made with.</summary>
    public const int LeastCardMtu = 1280;

    /// <summary>MTU of an Ethernet that says nothing else.</summary>
    public const int EthernetMtu = 1500;

    /// <summary>Where a network's namespace is kept.</summary>
    public string PathOf(string id) => Path.Combine(directory, id);

    /// <summary>Makes everything of a network that is not there yet.</summary>
    public void Build(TenantNetwork network, int mtu)
    {
        RouteSocket inside = network.Space.Route;
        if (inside.FindLink(TenantNetwork.Bridge) is null)
        {
            network.Space.SetSysctls(KernelTables.Tenant);
            network.Space.SetSysctlsIfThere(KernelTables.TenantWhereThere);
            // Before the first frame, and once: replacing the table would lose its counters.
            network.Space.Nft.Replace(ConnectionLimits.Tenant());
            inside.CreateBridge(TenantNetwork.Bridge, BridgeMac(network.Id));
        }
        inside.ChangeLink(inside.GetLink("lo").Index, new LinkChange { Up = true });
        Link bridge = inside.GetLink(TenantNetwork.Bridge);
        network.Space.SetSysctl($"ipv4.conf.{TenantNetwork.Bridge}.rp_filter", "1");
        inside.ChangeLink(bridge.Index, new LinkChange { Up = true, Alias = network.ToAlias() });
        inside.PutAddress(bridge.Index, network.Gateway, network.Range.PrefixLength);
        if (root.Route.FindLink(network.Cable) is null)
            root.Route.CreateVeth(network.Cable, TenantNetwork.Up, network.Space.Descriptor);
        Link cable = root.Route.GetLink(network.Cable), up = inside.GetLink(TenantNetwork.Up);
        root.SetSysctls([($"ipv6.conf.{network.Cable}.disable_ipv6", "1"), ($"ipv4.conf.{network.Cable}.rp_filter", "1")]);
        root.Route.PutAddress(cable.Index, network.Near, 31);
        root.Route.ChangeLink(cable.Index, new LinkChange { Up = true, Alias = network.Owner });
        inside.PutAddress(up.Index, network.Far, 31);
        inside.ChangeLink(up.Index, new LinkChange { Up = true });
        if (!network.IsInternal)
            inside.PutRoute(new Route { Destination = new IPNetwork(IPAddress.Any, 0), Gateway = network.Near, Link = up.Index });
        SetMtu(network, mtu);
    }

    /// <summary>
    /// Makes a network's way out as narrow as the uplink: the node then answers a packet that is too large itself, with the ICMP error that says so. Taps keep
    /// theirs, for the card behind one was told its MTU when its machine started.
    /// </summary>
    public void SetMtu(TenantNetwork network, int mtu)
    {
        foreach ((RouteSocket where, string name) in new[] { (root.Route, network.Cable), (network.Space.Route, TenantNetwork.Up),
            (network.Space.Route, TenantNetwork.Bridge) })
        {
            if (where.FindLink(name) is { } link && link.Mtu != mtu)
                where.ChangeLink(link.Index, new LinkChange { Mtu = mtu });
        }
    }

    /// <summary>
    /// The link of that name, if it is this workload's: names are short, so the full name on it counts. One without any was made a moment before the node died.
    /// </summary>
    /// <exception cref="WorkloadException">name-taken: it is another's.</exception>
    public static Link? FindOwn(RouteSocket where, string name, Func<string, bool> isOwn)
    {
        Link? link = where.FindLink(name);
        return link is null || link.Alias.Length == 0 || isOwn(link.Alias) ? link
            : throw new WorkloadException("name-taken", $"interface {name} belongs to another workload; another name for this one mends it");
    }

    /// <summary>Reads back what an earlier process made; half-made networks are left for the next <see cref="Build"/>.</summary>
    public IEnumerable<TenantNetwork> Recover()
    {
        Directory.CreateDirectory(directory);
        IReadOnlyList<Link> links = root.Route.Links();
        IReadOnlyList<InterfaceAddress> addresses = root.Route.Addresses();
        foreach (string file in Directory.EnumerateFiles(directory).Where(f => Path.GetFileName(f).Length == WorkloadNames.Digits))
        {
            string id = Path.GetFileName(file);
            Link? cable = links.FirstOrDefault(l => l.Name == TenantNetwork.CableName(id));
            IPAddress? near = addresses.FirstOrDefault(a => a.Link == cable?.Index && TenantNetwork.Pool.Contains(a.Address))?.Address;
            if (cable is null || near is null || cable.Alias.Length == 0 || NetworkNamespace.Open(file) is not { } space)
                continue;
            if (TenantNetwork.FromAlias(space.Route.FindLink(TenantNetwork.Bridge)?.Alias ?? "") is not var (range, isInternal))
            {
                space.Dispose();
                continue;
            }
            TenantNetwork network = new(id, cable.Alias, range, isInternal, TenantNetwork.SlotOf(near), space);
            foreach (Link tap in space.Route.Links().Where(l => l.Name.StartsWith(TenantNetwork.TapPrefix, StringComparison.Ordinal)))
            {
                if (TenantCard.FromAlias(tap.Alias) is { } card)
                    network.Cards[tap.Name] = card;
            }
            yield return network;
        }
    }

    private static MacAddress BridgeMac(string id) => new([2, .. Convert.FromHexString(id).AsSpan(0, 5)]);
}
