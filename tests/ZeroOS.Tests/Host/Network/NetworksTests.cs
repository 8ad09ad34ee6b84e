using System.Net;
using System.Net.Sockets;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Host.Network;
using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Network;

[Trait("tier", "kernel")]
public sealed class NetworksTests
{
    private static readonly WorkloadId s_alice = new("alice", "shop", "net"), s_bob = new("bob", "shop", "net");
    private static readonly WorkloadId s_web = new("alice", "shop", "web"), s_db = new("alice", "shop", "db"), s_other = new("bob", "shop", "web");

    [SkippableFact]
    public void The_uplink_has_the_address_gateway_and_resolver_of_the_lease()
    {
        using LanBench bench = Bench();
        Assert.Equal((LanBench.Gateway, LanBench.Resolver), ($"{bench.Uplink.Current.Gateway}", $"{Assert.Single(bench.Uplink.Current.Resolvers)}"));
        Assert.All(bench.Uplink.Current.Conditions, c => Assert.True(c.Ok, c.Message));
        Assert.Contains("default via 10.0.2.2 dev eth0 proto dhcp src 10.0.2.15 metric 1024", NamespaceTool.Run(bench.Node, "ip", "route"),
            StringComparison.Ordinal);
        Assert.Equal("nameserver 10.0.2.3\n", File.ReadAllText(bench.ResolvConf));
        Assert.Single(Directory.GetFiles(bench.StateDirectory, "lease-*"));
    }

    [SkippableFact]
    public void Two_tenants_with_one_range_both_reach_the_internet_and_never_each_other()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2"), other = Guest(bench, s_bob, s_other, "10.77.1.3");
        bench.Serve(other.Space, 80);

        Assert.Equal(LanBench.NodeAddress, LanBench.Ask(web.Space, LanBench.Internet, 80));
        Assert.Equal(LanBench.NodeAddress, LanBench.Ask(other.Space, LanBench.Internet, 80));
        Assert.Null(LanBench.Ask(web.Space, "10.77.1.3", 80, 300));
        Assert.Null(LanBench.Ask(web.Space, "100.64.0.3", 80, 300));
    }

    [SkippableFact]
    public void Guests_of_one_network_reach_each_other()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2"), db = Guest(bench, s_alice, s_db, "10.77.1.3");
        bench.Serve(db.Space, 6379);
        Assert.Equal("10.77.1.2", LanBench.Ask(web.Space, "10.77.1.3", 6379));
    }

    [SkippableFact]
    public void An_internal_network_leads_nowhere_before_and_after_a_restart()
    {
        using LanBench bench = Bench();
        NetworkData closed = new() { Range = "10.77.1.0/24", Internal = true };
        bench.Networks.Ensure(s_alice, closed);
        MachineNic card = bench.Networks.Attach(s_alice, s_web, IPAddress.Parse("10.77.1.2"));
        using TapGuest web = new(card), db = new(bench.Networks.Attach(s_alice, s_db, IPAddress.Parse("10.77.1.3")));
        bench.Serve(web.Space, 80);
        Assert.False(card.LeadsOut);
        Assert.Empty(card.Resolvers);
        bench.Networks.Publish([new PortMapping(PortProtocol.Tcp, 8080, s_alice, IPAddress.Parse("10.77.1.2"), 80)]);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal("10.77.1.3", LanBench.Ask(db.Space, "10.77.1.2", 80));
            foreach (string host in new[] { LanBench.Internet, LanBench.Gateway, LanBench.NodeAddress, "100.64.0.0", "100.64.0.1" })
                Assert.True(LanBench.Ask(web.Space, host, 80, 150) is null, $"{host} answered a guest");
            Assert.Null(LanBench.Ask(web.Space, LanBench.Resolver, 53, 150));
            Assert.False(LanBench.AskDns(web.Space, LanBench.Resolver, attempts: 1), "the leased resolver");
            Assert.False(LanBench.AskDns(web.Space, "10.77.1.1", attempts: 1), "a resolver behind the network's gateway address");
            Assert.Null(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8080, 300));
            bench.RestartNode();
            bench.Networks.Ensure(s_alice, closed);
        }
        Assert.Equal("network-in-use", Assert.Throws<WorkloadException>(() => bench.Networks.Ensure(s_alice, closed with { Internal = false })).Reason);
    }

    [SkippableFact]
    public void A_guest_that_scans_the_farmers_lan_reaches_nothing_but_the_resolvers_port_53()
    {
        using LanBench bench = Bench();
        bench.Serve(bench.Node, 8051);
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2");
        string[] hosts = [LanBench.Gateway, LanBench.Resolver, LanBench.Neighbour, LanBench.NodeAddress, "10.77.1.1", "100.64.0.0", "100.64.0.1",
            "10.0.2.255", "127.0.0.1"];
        foreach (string host in hosts)
        {
            foreach (int port in new[] { 80, 5000, 8051 })
                Assert.True(LanBench.Ask(web.Space, host, port, 150) is null, $"{host}:{port} answered a guest");
        }
        Assert.False(LanBench.AskDns(web.Space, LanBench.Gateway, attempts: 1), "port 53 of what is no leased resolver");
        Assert.Null(LanBench.Ask(web.Space, LanBench.Gateway, 53, 150));
        Assert.True(LanBench.AskDns(web.Space, LanBench.Resolver), "the leased resolver");
        Assert.True(LanBench.AskDns(web.Space, "10.77.1.1"), "the resolver behind the network's gateway address");
        Assert.NotNull(LanBench.Ask(web.Space, LanBench.Resolver, 53));
        // The node itself is there for its own people.
        Assert.NotNull(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8051));
    }

    [SkippableFact]
    public void A_range_equal_to_the_farmers_lan_resolves_reaches_out_and_is_published_to_that_lan()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.0.2.50", "10.0.2.0/24");
        bench.Serve(web.Space, 80);
        bench.Networks.Publish([new PortMapping(PortProtocol.Tcp, 8080, s_alice, IPAddress.Parse("10.0.2.50"), 80)]);

        Assert.True(LanBench.AskDns(web.Space, "10.0.2.1"));
        Assert.Equal(LanBench.NodeAddress, LanBench.Ask(web.Space, LanBench.Internet, 80));
        foreach (string client in new[] { LanBench.Gateway, LanBench.Neighbour })
            Assert.NotNull(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8080, from: IPAddress.Parse(client)));
    }

    [SkippableFact]
    public void A_published_port_shows_the_guest_its_client_and_is_gone_when_no_longer_wanted()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2"), other = Guest(bench, s_bob, s_other, "10.77.1.2");
        bench.Serve(web.Space, 80);
        bench.Serve(other.Space, 80);
        PortMapping one = new(PortProtocol.Tcp, 8080, s_alice, IPAddress.Parse("10.77.1.2"), 80),
            two = new(PortProtocol.Tcp, 8081, s_bob, IPAddress.Parse("10.77.1.2"), 80);
        bench.Networks.Publish([one, two]);

        Assert.Equal(LanBench.Gateway, LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8080));
        Assert.Equal(LanBench.Gateway, LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8081));
        bench.Networks.Publish([two]);
        Assert.Null(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8080, 300));
        Assert.NotNull(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8081));
    }

    [SkippableFact]
    public void A_published_udp_port_leads_to_the_guest()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2");
        bench.EchoDns(web.Space, IPAddress.Any);
        bench.Networks.Publish([new PortMapping(PortProtocol.Udp, 5353, s_alice, IPAddress.Parse("10.77.1.2"), 53)]);
        Assert.True(LanBench.AskDns(bench.Lan, LanBench.NodeAddress, 5353));
        Assert.False(LanBench.AskDns(bench.Lan, LanBench.NodeAddress, 5354, attempts: 1));
    }

    [SkippableFact]
    public void A_udp_peer_that_never_stops_sending_reaches_the_machine_that_is_published_now()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2"), other = Guest(bench, s_bob, s_other, "10.77.1.2");
        bench.ServeUdp(web.Space, 53, "alice");
        bench.ServeUdp(other.Space, 53, "bob");
        PortMapping one = new(PortProtocol.Udp, 5353, s_alice, IPAddress.Parse("10.77.1.2"), 53), two = one with { Network = s_bob };
        bench.Networks.Publish([one]);
        using Socket peer = bench.Lan.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        peer.Connect(IPAddress.Parse(LanBench.NodeAddress), 5353);
        Assert.Equal("alice", LanBench.AskAgain(peer));

        bench.Networks.Publish([two]);

        Skip.If(bench.Log.Any(l => l.Contains("are not forgotten", StringComparison.Ordinal)),
            "this kernel forgets no connections on request (CONFIG_NF_CT_NETLINK)");
        Assert.Equal("bob", LanBench.AskAgain(peer));
        bench.Networks.Publish([]);
        Assert.Null(LanBench.AskAgain(peer, attempts: 1));
        bench.Networks.Publish([one]);
        Assert.Equal("alice", LanBench.AskAgain(peer));
    }

    [SkippableFact]
    public void The_bus_port_is_never_published()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2");
        bench.Serve(web.Space, 80);
        bench.Networks.Publish([new PortMapping(PortProtocol.Tcp, 8051, s_alice, IPAddress.Parse("10.77.1.2"), 80)]);
        Assert.Null(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8051, 300));
        Assert.Contains(bench.Log, l => l.Contains("port=8051", StringComparison.Ordinal));
        string rules = NamespaceTool.Run(bench.Node, "nft", "list", "chain", "inet", "zeroos", "prerouting");
        Assert.Contains("tcp dport 8051 return", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("dnat ip to 100.64.0.1:8051", rules, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_guest_that_takes_another_address_or_mac_is_heard_by_nobody()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2"), db = Guest(bench, s_alice, s_db, "10.77.1.3");
        bench.Serve(db.Space, 80);
        Assert.NotNull(LanBench.Ask(web.Space, "10.77.1.3", 80));
        Link card = web.Space.Route.GetLink("g0");
        web.Space.Route.PutAddress(card.Index, IPAddress.Parse("10.77.1.9"), 24);
        Assert.Null(LanBench.Ask(web.Space, "10.77.1.3", 80, 300, IPAddress.Parse("10.77.1.9")));
        Assert.DoesNotContain(db.Space.Route.Neighbors(), n => n.Address.Equals(IPAddress.Parse("10.77.1.9")) && n.Mac is not null);
        web.Space.Route.ChangeLink(card.Index, new LinkChange { Mac = MacAddress.Parse("02:66:66:66:66:66") });
        Assert.Null(LanBench.Ask(web.Space, "10.77.1.3", 80, 300, IPAddress.Parse("10.77.1.2")));
        Assert.DoesNotContain(db.Space.Route.Neighbors(), n => n.Mac == MacAddress.Parse("02:66:66:66:66:66"));
    }

    [SkippableFact]
    public void A_restarted_node_cuts_no_connection_and_goes_on_publishing()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2");
        bench.Serve(web.Space, 80);
        bench.Networks.Publish([new PortMapping(PortProtocol.Tcp, 8080, s_alice, IPAddress.Parse("10.77.1.2"), 80)]);
        using Socket open = LanBench.Connect(bench.Lan, LanBench.NodeAddress, 8080)!;
        Assert.Equal(LanBench.Gateway, LanBench.ReadLine(open));

        bench.RestartNode();

        open.Send("again\n"u8);
        Assert.Equal(LanBench.Gateway, LanBench.ReadLine(open));
        Assert.NotNull(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8080));
        bench.Networks.Ensure(s_alice, new NetworkData { Range = "10.77.1.0/24" });
        MachineNic again = bench.Networks.Attach(s_alice, s_web, IPAddress.Parse("10.77.1.2"));
        Assert.True(again.Tap.IsInvalid);
        open.Send("again\n"u8);
        Assert.Equal(LanBench.Gateway, LanBench.ReadLine(open));
        Assert.Equal(LanBench.NodeAddress, LanBench.Ask(web.Space, LanBench.Internet, 80));
    }

    [SkippableFact]
    public void The_fetch_group_reaches_the_internet_its_resolver_and_listed_registries_only()
    {
        using LanBench bench = Bench();
        bench.Serve(bench.Node, 9000);
        bench.Networks.AllowFetch([new IPEndPoint(IPAddress.Parse(LanBench.Gateway), 5000)]);
        Assert.True(Fetch(bench, LanBench.Internet, 80));
        Assert.True(Fetch(bench, LanBench.Resolver, 53));
        Assert.True(Fetch(bench, LanBench.Gateway, 5000));
        Assert.False(Fetch(bench, LanBench.Gateway, 80, 1000));
        Assert.False(Fetch(bench, LanBench.Neighbour, 5000, 1000));
        Assert.False(Fetch(bench, "127.0.0.1", 9000, 1000));
        Assert.NotNull(LanBench.Ask(bench.Node, LanBench.Neighbour, 80));
    }

    [SkippableFact]
    public void What_is_removed_leaves_nothing_behind_and_removing_twice_is_fine()
    {
        using LanBench bench = Bench();
        Guest(bench, s_alice, s_web, "10.77.1.2").Dispose();
        bench.Networks.Detach(s_alice, s_web);
        bench.Networks.Detach(s_alice, s_web);
        bench.Networks.Remove(s_alice);
        bench.Networks.Remove(s_alice);
        Assert.Equal(["eth0", "lo"], bench.Node.Route.Links().Select(l => l.Name).Order());
        Assert.DoesNotContain("zt", NamespaceTool.Run(bench.Node, "nft", "list", "table", "inet", "zeroos").Replace("zt*", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Bad_ranges_and_addresses_are_refused_with_their_reason()
    {
        using LanBench bench = Bench();
        foreach (string range in new[] { "8.8.8.0/24", "10.0.0.0/8", "10.1.1.0/30", "10.1.1.5/24", "fd00::/64", "nonsense" })
            Assert.Equal("range-invalid", Assert.Throws<WorkloadException>(() => bench.Networks.Ensure(s_alice, new NetworkData { Range = range })).Reason);
        Assert.Equal("network-missing", Assert.Throws<WorkloadException>(() => bench.Networks.Attach(s_alice, s_web, IPAddress.Parse("10.77.1.2"))).Reason);
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2");
        foreach (string address in new[] { "10.77.1.0", "10.77.1.1", "10.77.1.255", "10.77.2.2", "::1" })
            Assert.Equal("address-invalid", Assert.Throws<WorkloadException>(() => bench.Networks.Attach(s_alice, s_db, IPAddress.Parse(address))).Reason);
        Assert.Equal("address-taken", Assert.Throws<WorkloadException>(() => bench.Networks.Attach(s_alice, s_db, IPAddress.Parse("10.77.1.2"))).Reason);
        Assert.Equal("network-in-use",
            Assert.Throws<WorkloadException>(() => bench.Networks.Ensure(s_alice, new NetworkData { Range = "10.78.0.0/16" })).Reason);
    }

    [SkippableFact]
    public void A_cable_or_tap_that_says_it_is_anothers_is_neither_used_nor_deleted()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2");
        string cable = TenantNetwork.CableName(bench.Names.Of(s_bob)), tap = TenantNetwork.TapName(bench.Names.Of(s_db));
        bench.Node.Route.CreateVeth(cable, "peer");
        bench.Node.Route.ChangeLink(bench.Node.Route.GetLink(cable).Index, new LinkChange { Alias = "carol/shop/net" });
        Assert.Equal("name-taken", Assert.Throws<WorkloadException>(() => bench.Networks.Ensure(s_bob, new NetworkData { Range = "10.77.1.0/24" })).Reason);
        Assert.Equal("name-taken", Assert.Throws<WorkloadException>(() => bench.Networks.Remove(s_bob)).Reason);
        Assert.NotNull(bench.Node.Route.FindLink(cable));

        using NetworkNamespace space = NetworkNamespace.Open(Path.Combine(bench.NetworksDirectory, bench.Names.Of(s_alice)))!;
        space.Route.CreateVeth(tap, "peer");
        space.Route.ChangeLink(space.Route.GetLink(tap).Index, new LinkChange { Alias = "02:00:00:00:00:01 10.77.1.3 alice/shop/cache" });
        Assert.Equal("name-taken", Assert.Throws<WorkloadException>(() => bench.Networks.Attach(s_alice, s_db, IPAddress.Parse("10.77.1.3"))).Reason);
        Assert.Equal("name-taken", Assert.Throws<WorkloadException>(() => bench.Networks.Detach(s_alice, s_db)).Reason);
        Assert.NotNull(space.Route.FindLink(tap));
        Assert.Equal("alice/shop/net", bench.Node.Route.GetLink(TenantNetwork.CableName(bench.Names.Of(s_alice))).Alias);
    }

    [SkippableFact]
    public void The_doors_group_answers_on_the_bus_port_and_opens_nothing()
    {
        using LanBench bench = Bench();
        Assert.False(Opens(bench, LanBench.DoorGroup, LanBench.Internet, 80, 1000));
        Assert.False(Opens(bench, LanBench.DoorGroup, LanBench.Resolver, 53, 1000));
        using Socket client = bench.Lan.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        bench.Node.Run(() =>
        {
            SetGroup(LanBench.DoorGroup);
            using (Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            {
                listener.Bind(new IPEndPoint(IPAddress.Any, 8051));
                listener.Listen(1);
                Task connected = client.ConnectAsync(IPAddress.Parse(LanBench.NodeAddress), 8051);
                Assert.True(listener.Poll(LanBench.PatienceMs * 1000, SelectMode.SelectRead));
                using Socket accepted = listener.Accept();
                accepted.Send("answer\n"u8);
                Assert.True(connected.Wait(LanBench.PatienceMs));
                Assert.Equal("answer", LanBench.ReadLine(client));
                // A program that another test starts at this moment holds the listener too until its execve; shutdown(2) ends listening for all.
                listener.Shutdown(SocketShutdown.Both);
            }
            // From the bus's port outwards: a first segment is no answer.
            using Socket outward = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            outward.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            outward.Bind(new IPEndPoint(IPAddress.Parse(LanBench.NodeAddress), 8051));
            Assert.False(LanBench.Connects(outward, LanBench.Internet, 80, 1000));
        });
    }

    private static LanBench Bench()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        return new LanBench();
    }

    private static TapGuest Guest(LanBench bench, WorkloadId network, WorkloadId machine, string address, string range = "10.77.1.0/24")
    {
        bench.Networks.Ensure(network, new NetworkData { Range = range });
        return new TapGuest(bench.Networks.Attach(network, machine, IPAddress.Parse(address)));
    }

    private static bool Fetch(LanBench bench, string address, int port, int timeoutMs = LanBench.PatienceMs) =>
        Opens(bench, 4321, address, port, timeoutMs);

    private static bool Opens(LanBench bench, uint group, string address, int port, int timeoutMs)
    {
        using Socket socket = bench.Node.Run(() =>
        {
            SetGroup(group);
            return new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        });
        return LanBench.Connects(socket, address, port, timeoutMs);
    }

    // The firewall looks at who opened the socket, and that is this thread's file system group.
    private static void SetGroup(uint group)
    {
        const int SYS_setfsgid = 123;
        _ = Tmds.Linux.LibC.syscall(SYS_setfsgid, group);
    }
}
