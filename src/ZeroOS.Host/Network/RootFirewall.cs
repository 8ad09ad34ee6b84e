using System.Net;
using System.Net.Sockets;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux.Netfilter;

namespace ZeroOS.Host.Network;

/// <summary>
/// The rules of the root namespace, whole, from what is wanted: what may come to the node, where guests may go, which ports lead to them, and
/// where the fetcher may go. What is not asked for is dropped.
/// </summary>
internal static class RootFirewall
{
    /// <summary>The bus; never published.</summary>
    public const int BusPort = 8051;

    private const string Cables = TenantNetwork.CablePrefix + "*";
    private const int Dns = 53;

    /// <summary>Builds the table.</summary>
    public static NftTable Build(UplinkState uplink, IReadOnlyCollection<TenantNetwork> networks, IReadOnlyList<Publication> published, uint fetchGroup, IReadOnlyList<IPEndPoint> registries)
    {
        NftTable table = new(NftFamily.Inet, "zeroos");
        List<IPAddress> resolvers4 = [.. uplink.Resolvers.Where(r => r.AddressFamily == AddressFamily.InterNetwork)];
        // Of the gateway guests get the next hop and of the resolvers port 53, wherever those are.
        List<IPNetwork> neighbours = [.. uplink.OnLink, .. uplink.Addresses.Select(a => Host(a.Address)), .. uplink.Resolvers.Select(Host)];
        neighbours.AddRange(new[] { uplink.Gateway, uplink.Gateway6 }.OfType<IPAddress>().Where(g => !g.IsIPv6LinkLocal).Select(Host));
        NftSet never4 = table.Prefixes("never4", false, NotInternet.V4.Concat(neighbours));
        NftSet never6 = table.Prefixes("never6", true, NotInternet.V6.Concat(neighbours));
        NftSet uplinks = table.Interfaces("uplinks", uplink.Nics.Select(n => n.Name));
        Input(table);
        Forward(table, uplinks, never4, resolvers4);
        Output(table, never4, never6, uplink.Resolvers, fetchGroup, registries);
        Translate(table, uplinks, uplink.FirstResolver4, networks, published);
        return table;
    }

    private static void Input(NftTable table)
    {
        NftChain input = table.Filter("input", NftHook.Input, drop: true);
        input.Add(new NftRule().Established().Accept()).Add(new NftRule().Invalid().Drop()).Add(new NftRule().From("lo").Accept());
        // A guest has no business with the node at all, ICMP included. DHCP needs no rule: its answers are read before the firewall.
        input.Add(new NftRule().From(Cables).Drop());
        input.Add(new NftRule().TcpTo(BusPort).Accept()).Add(new NftRule().IcmpType(8).AtMost(20).Accept()).Add(new NftRule().Icmp6Type(128, fromLink: false).AtMost(20).Accept());
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
        table.Filter("forward", NftHook.Forward, drop: true).Add(new NftRule().Established().Accept()).Add(new NftRule().Invalid().Drop())
            .Add(new NftRule().From(Cables).Jump(guests)).Add(new NftRule().From(uplinks).Out(Cables).Translated().Accept());
    }

    private static void Output(NftTable table, NftSet never4, NftSet never6, IReadOnlyList<IPAddress> resolvers, uint fetchGroup, IReadOnlyList<IPEndPoint> registries)
    {
        NftChain fetch = table.Chain("fetch");
        foreach (IPAddress resolver in resolvers)
            fetch.Add(new NftRule().To(resolver).UdpTo(Dns).Accept()).Add(new NftRule().To(resolver).TcpTo(Dns).Accept());
        foreach (IPEndPoint registry in registries)
            fetch.Add(new NftRule().To(registry.Address).TcpTo(registry.Port).Accept());
        fetch.Add(new NftRule().Out("lo").Reject()).Add(new NftRule().To(never4).Reject()).Add(new NftRule().To(never6).Reject()).Add(new NftRule().ToNoUnicast().Reject());
        table.Filter("output", NftHook.Output, drop: false).Add(new NftRule().Gid(fetchGroup).Jump(fetch));
    }

    private static void Translate(NftTable table, NftSet uplinks, IPAddress? resolver, IReadOnlyCollection<TenantNetwork> networks, IReadOnlyList<Publication> published)
    {
        NftChain before = table.Nat("prerouting", NftHook.Prerouting);
        if (resolver is not null)
        {
            // A guest asks its gateway; its namespace sends that to our end of the cable, and here it goes to whoever the lease names now.
            before.Add(new NftRule().From(Cables).To(TenantNetwork.Pool).UdpTo(Dns).Redirect(resolver));
            before.Add(new NftRule().From(Cables).To(TenantNetwork.Pool).TcpTo(Dns).Redirect(resolver));
        }
        before.Add(new NftRule().From(Cables).Return()).Add(new NftRule().TcpTo(BusPort).Return());
        Dictionary<string, TenantNetwork> byId = networks.ToDictionary(n => n.Id);
        foreach (Publication port in published)
        {
            if (byId.TryGetValue(port.Network, out TenantNetwork? network))
                before.Add(PortRule(new NftRule().From(uplinks).ToHere(), port).Redirect(network.Far, port.HostPort));
        }
        NftChain after = table.Nat("postrouting", NftHook.Postrouting).Add(new NftRule().Source(TenantNetwork.Pool).Out(uplinks).Masquerade());
        // A client on a LAN with the tenant's own range would look like a neighbour in there: such a client comes from our end of the cable.
        foreach (TenantNetwork network in networks)
            after.Add(new NftRule().Source(network.Range).Out(network.Cable).Masquerade());
    }

    /// <summary>Appends the match on a published port.</summary>
    internal static NftRule PortRule(NftRule rule, Publication port) => port.Protocol == PortProtocol.Tcp ? rule.TcpTo(port.HostPort) : rule.UdpTo(port.HostPort);

    private static IPNetwork Host(IPAddress address) => new(address, address.GetAddressBytes().Length * 8);
}
