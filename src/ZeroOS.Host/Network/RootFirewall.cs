using System.Net;
using System.Net.Sockets;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux.Netfilter;

namespace ZeroOS.Host.Network;

/// <summary>
/// The rules of the root namespace, whole, from what is wanted: what may come to the node, where guests may go, which ports lead to them, and
/// where the fetcher may go. What is not asked for is dropped.
/// </summary>
internal static class RootFirewall
{
    private const string Cables = TenantNetwork.CablePrefix + "*", Loopback = "lo";
    private const int Dns = 53, Ntp = 123, FirstOwn = KernelTables.FirstOwnPort, LastOwn = KernelTables.LastOwnPort;

    /// <summary>Builds the table.</summary>
    public static NftTable Build(UplinkState uplink, IReadOnlyCollection<TenantNetwork> networks, IReadOnlyList<Publication> published, FirewallGroups groups,
        IReadOnlyList<IPEndPoint> registries)
    {
        NftTable table = new(NftFamily.Inet, "zeroos");
        List<IPAddress> resolvers4 = [.. uplink.Resolvers.Where(r => r.AddressFamily == AddressFamily.InterNetwork)];
        // Of the gateway guests get the next hop and of the resolvers port 53, wherever those are.
        List<IPNetwork> neighbours = [.. uplink.OnLink, .. uplink.Addresses.Select(a => Host(a.Address)), .. uplink.Resolvers.Select(Host)];
        neighbours.AddRange(new[] { uplink.Gateway, uplink.Gateway6 }.OfType<IPAddress>().Where(g => !g.IsIPv6LinkLocal).Select(Host));
        NftSet never4 = table.Prefixes("never4", false, NotInternet.V4.Concat(neighbours));
        NftSet never6 = table.Prefixes("never6", true, NotInternet.V6.Concat(neighbours));
        NftSet uplinks = table.Interfaces("uplinks", uplink.Nics.Select(n => n.Name));
        NftSet resolvers = table.Prefixes("resolvers4", false, uplink.Resolvers.Select(Host)),
            resolvers6 = table.Prefixes("resolvers6", true, uplink.Resolvers.Select(Host));
        Untracked(table, resolvers, resolvers6);
        Input(table);
        Forward(table, uplinks, never4, resolvers4);
        Output(table, never4, never6, uplink.Resolvers, groups, registries);
        Translate(table, uplinks, uplink.FirstResolver4, networks, published);
        return table;
    }

    /// <summary>
    /// What connection tracking never sees: guests share its table, and a full table must not keep anybody from the bus, nor the node from names and time.
    /// DHCP, ARP and neighbour discovery do not pass it by themselves.
    /// </summary>
    private static void Untracked(NftTable table, NftSet resolvers4, NftSet resolvers6)
    {
        NftChain incoming = table.Early("untracked-in", NftHook.Prerouting).Add(new NftRule().From(Loopback).NoTrack().Accept())
            // What guests send is translated, to port 8051 of somebody too; what comes back to them never has one of the ports below.
            .Add(new NftRule().From(Cables).Accept())
            .Add(new NftRule().TcpTo(BusPort.Tcp).NoTrack().Accept());
        foreach (NftSet resolvers in new[] { resolvers4, resolvers6 })
            incoming.Add(new NftRule().Source(resolvers).UdpFrom(Dns).UdpTo(FirstOwn, LastOwn).NoTrack().Accept());
        incoming.Add(new NftRule().UdpFrom(Ntp).UdpTo(FirstOwn, LastOwn).NoTrack().Accept());
        table.Early("untracked-out", NftHook.Output).Add(new NftRule().Out(Loopback).NoTrack().Accept())
            .Add(new NftRule().TcpFrom(BusPort.Tcp).NoTrack().Accept())
            .Add(new NftRule().UdpTo(Dns).UdpFrom(FirstOwn, LastOwn).NoTrack().Accept())
            .Add(new NftRule().UdpTo(Ntp).UdpFrom(FirstOwn, LastOwn).NoTrack().Accept());
    }

    private static void Input(NftTable table)
    {
        NftChain input = table.Filter("input", NftHook.Input, drop: true);
        input.Add(new NftRule().From(Loopback).Accept());
        // A guest has no business with the node at all, ICMP included. DHCP needs no rule: its answers are read before the firewall.
        input.Add(new NftRule().From(Cables).Drop());
        // Only what the chain above let past connection tracking: the bus, and answers from name and time servers to the node's own ports.
        input.Add(new NftRule().Untracked().TcpTo(BusPort.Tcp).Accept()).Add(new NftRule().Untracked().UdpTo(FirstOwn, LastOwn).Accept());
        input.Add(new NftRule().Established().Accept()).Add(new NftRule().Invalid().Drop());
        input.Add(new NftRule().IcmpType(8).AtMost(20).Accept()).Add(new NftRule().Icmp6Type(128, fromLink: false).AtMost(20).Accept());
        // Router advertisement, neighbour solicitation and advertisement; multicast listener query.
        foreach (byte type in new byte[] { 134, 135, 136 })
            input.Add(new NftRule().Icmp6Type(type, fromLink: true).Accept());
        input.Add(new NftRule().Icmp6Type(130, fromLink: false).Accept());
    }

    private static void Forward(NftTable table, NftSet uplinks, NftSet never4, List<IPAddress> resolvers)
    {
        NftChain guests = table.Chain("guests");
        foreach (IPAddress resolver in resolvers)
            guests.Add(new NftRule().To(resolver).UdpTo(Dns).Accept()).Add(new NftRule().To(resolver).TcpTo(Dns).Accept());
        guests.Add(new NftRule().Out(Cables).Reject()).Add(new NftRule().To(never4).Reject()).Add(new NftRule().ToNoUnicast().Drop())
            .Add(new NftRule().Source(TenantNetwork.Pool).Out(uplinks).Accept()).Add(new NftRule().Drop());
        table.Filter("forward", NftHook.Forward, drop: true)
            // A card was told its MTU when its machine started; an uplink can get narrower, and on the way to it ICMP is often lost.
            .Add(new NftRule().From(Cables).ClampSegments()).Add(new NftRule().Out(Cables).ClampSegments())
            .Add(new NftRule().Established().Accept()).Add(new NftRule().Invalid().Drop())
            .Add(new NftRule().From(Cables).Jump(guests)).Add(new NftRule().From(uplinks).Out(Cables).Translated().Accept());
    }

    private static void Output(NftTable table, NftSet never4, NftSet never6, IReadOnlyList<IPAddress> resolvers, FirewallGroups groups,
        IReadOnlyList<IPEndPoint> registries)
    {
        NftChain fetch = table.Chain("fetch");
        foreach (IPAddress resolver in resolvers)
            fetch.Add(new NftRule().To(resolver).UdpTo(Dns).Accept()).Add(new NftRule().To(resolver).TcpTo(Dns).Accept());
        foreach (IPEndPoint registry in registries)
            fetch.Add(new NftRule().To(registry.Address).TcpTo(registry.Port).Accept());
        fetch.Add(new NftRule().Out("lo").Reject()).Add(new NftRule().To(never4).Reject()).Add(new NftRule().To(never6).Reject())
            .Add(new NftRule().ToNoUnicast().Reject());
        // Strangers speak to this group's processes: taken over, they still answer on the bus and open nothing.
        NftChain door = table.Chain("door").Add(new NftRule().TcpFrom(BusPort.Tcp).TcpOpensNothing().Accept()).Add(new NftRule().Drop());
        table.Filter("output", NftHook.Output, drop: false).Add(new NftRule().Gid(groups.Fetch).Jump(fetch)).Add(new NftRule().Gid(groups.Door).Jump(door))
            // A packet with a name server's address for a port that nobody listens on passed above: no answer says so.
            .Add(new NftRule().NotOut(Loopback).PortUnreachable(v6: false).Drop()).Add(new NftRule().NotOut(Loopback).PortUnreachable(v6: true).Drop());
    }

    private static void Translate(NftTable table, NftSet uplinks, IPAddress? resolver, IReadOnlyCollection<TenantNetwork> networks,
        IReadOnlyList<Publication> published)
    {
        NftChain before = table.Nat("prerouting", NftHook.Prerouting);
        if (resolver is not null)
        {
            // A guest asks its gateway; its namespace sends that to our end of the cable, and here it goes to whoever the lease names now.
            before.Add(new NftRule().From(Cables).To(TenantNetwork.Pool).UdpTo(Dns).Redirect(resolver));
            before.Add(new NftRule().From(Cables).To(TenantNetwork.Pool).TcpTo(Dns).Redirect(resolver));
        }
        before.Add(new NftRule().From(Cables).Return()).Add(new NftRule().TcpTo(BusPort.Tcp).Return());
        Dictionary<string, TenantNetwork> byId = networks.ToDictionary(n => n.Id);
        foreach (Publication port in published)
        {
            if (byId.TryGetValue(port.Network, out TenantNetwork? network) && !network.IsInternal)
                before.Add(PortRule(new NftRule().From(uplinks).ToHere(), port).Redirect(network.Far, port.HostPort));
        }
        (int first, int last) = KernelTables.GuestPorts;
        NftChain after = table.Nat("postrouting", NftHook.Postrouting);
        // Never from a port of the node's own: the bus's, or one that its questions for names and time come from.
        after.Add(new NftRule().Source(TenantNetwork.Pool).Out(uplinks).AnyTcp().Masquerade(first, last))
            .Add(new NftRule().Source(TenantNetwork.Pool).Out(uplinks).AnyUdp().Masquerade(first, last))
            .Add(new NftRule().Source(TenantNetwork.Pool).Out(uplinks).Masquerade());
        // A client on a LAN with the tenant's own range would look like a neighbour in there: such a client comes from our end of the cable.
        foreach (TenantNetwork network in networks)
            after.Add(new NftRule().Source(network.Range).Out(network.Cable).Masquerade());
    }

    /// <summary>Appends the match on a published port.</summary>
    internal static NftRule PortRule(NftRule rule, Publication port) =>
        port.Protocol == PortProtocol.Tcp ? rule.TcpTo(port.HostPort) : rule.UdpTo(port.HostPort);

    private static IPNetwork Host(IPAddress address) => new(address, address.GetAddressBytes().Length * 8);
}
