using ZeroOS.Linux.Netfilter;

namespace ZeroOS.Host.Network;

/// <summary>
/// The rules inside a tenant's namespace: addresses are translated here first, so that ranges may overlap, and each tap is pinned to one
/// Ethernet and one IPv4 address. Where guests may go is decided in the root, which knows the farmer's network.
/// </summary>
internal static class TenantFirewall
{
    private const string Bridge = TenantNetwork.Bridge, Up = TenantNetwork.Up, Taps = TenantNetwork.TapPrefix + "*";
    private const ushort Arp = 0x0806, Ipv4 = 0x0800;
    private const int Dns = 53;

    /// <summary>Builds the tables.</summary>
    public static IReadOnlyList<NftTable> Build(TenantNetwork network, IEnumerable<Publication> published) =>
        [Routed(network, published), Bridged(network), Resolved()];

    private static NftTable Routed(TenantNetwork network, IEnumerable<Publication> published)
    {
        NftTable table = new(NftFamily.Inet, "zeroos");
        // A bridge hands frames to reserved group addresses (01:80:c2:00:00:0x) up on the tap itself, before its own rules see them: nothing is heard on a tap.
        table.Early("taps", NftHook.Prerouting).Add(new NftRule().From(Taps).Drop());
        table.Filter("input", NftHook.Input, drop: true).Add(new NftRule().Established().Accept())
            .Add(new NftRule().From(Bridge).IcmpType(8).AtMost(20).Accept());
        NftChain forward = table.Filter("forward", NftHook.Forward, drop: true);
        if (network.IsInternal)
            return table;
        // Nothing is routed from the bridge to the bridge: each address a guest tries would be a neighbour asked for, and all namespaces share the kernel's
        // table of those.
        forward.Add(new NftRule().From(Bridge).Out(Bridge).Drop()).Add(new NftRule().Established().Accept()).Add(new NftRule().Invalid().Drop())
            .Add(new NftRule().From(Bridge).Source(network.Range).Out(Up).Accept()).Add(new NftRule().From(Up).Out(Bridge).Translated().Accept());
        NftChain before = table.Nat("prerouting", NftHook.Prerouting)
            .Add(new NftRule().From(Bridge).To(network.Gateway).UdpTo(Dns).Redirect(network.Near))
            .Add(new NftRule().From(Bridge).To(network.Gateway).TcpTo(Dns).Redirect(network.Near));
        foreach (Publication port in published.Where(p => p.Network == network.Id))
            before.Add(RootFirewall.PortRule(new NftRule().From(Up).To(network.Far), port).Redirect(port.Guest, port.GuestPort));
        table.Nat("postrouting", NftHook.Postrouting).Add(new NftRule().Out(Up).Masquerade());
        return table;
    }

    /// <summary>ARP that comes up on a tap itself: answering would also remember its sender, which no rule of the bridge has looked at.</summary>
    private static NftTable Resolved()
    {
        NftTable table = new(NftFamily.Arp, "zeroos");
        // The kernel numbers ARP's hooks anew: its input is 0.
        table.Filter("input", NftHook.Prerouting, drop: false).Add(new NftRule().From(Taps).Drop());
        return table;
    }

    private static NftTable Bridged(TenantNetwork network)
    {
        NftTable table = new(NftFamily.Bridge, "zeroos");
        NftChain first = new("prerouting") { Type = "filter", Hook = NftHook.Prerouting, Priority = -300 };
        foreach ((string tap, TenantCard card) in network.Cards)
        {
            // Other EtherTypes fall through and are dropped: IPv6 with its neighbour discovery, tags, everything.
            NftChain pinned = table.Chain(tap).Add(new NftRule().EtherSourceNot(card.Mac).Drop())
                .Add(new NftRule().ArpSenderNot(card.Mac).Drop()).Add(new NftRule().ArpSenderNot(card.Address).Drop())
                .Add(new NftRule().EtherType(Arp).Accept())
                .Add(new NftRule().EtherType(Ipv4).SourceNot(card.Address).Drop()).Add(new NftRule().EtherType(Ipv4).Accept());
            first.Add(new NftRule().From(tap).Jump(pinned));
        }
        first.Add(new NftRule().From(Taps).Drop());
        table.Add(first);
        return table;
    }
}
