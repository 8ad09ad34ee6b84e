using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Host.Network;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Network;

/// <summary>Tables that all namespaces or all guests share: nobody fills them, and the node's own doors do not go through them.</summary>
[Trait("tier", "kernel")]
public sealed class KernelTablesTests
{
    private static readonly WorkloadId s_alice = new("alice", "shop", "net"), s_bob = new("bob", "shop", "net"), s_web = new("alice", "shop", "web"),
        s_other = new("bob", "shop", "web");

    [SkippableFact]
    public void A_guest_that_opens_connections_without_end_stops_at_its_limit_and_another_guest_does_not_notice()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web), other = Guest(bench, s_bob, s_other);
        using Socket socket = web.Space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));

        using NetworkNamespace space = SpaceOf(bench, s_alice);
        int port = 10_000;
        // Some are lost between the taps, which nobody waits for.
        Assert.True(SpinWait.SpinUntil(() =>
        {
            for (int end = port + 6000; port < end; port++)
                socket.SendTo("x"u8, new IPEndPoint(IPAddress.Parse(LanBench.Internet), port));
            return port > 50_000 || LanBench.Connections(space).Length >= ConnectionLimits.PerMachine;
        }, 20_000));

        Assert.Equal(ConnectionLimits.PerMachine, LanBench.Connections(space).Length);
        // In the root the rate holds it below the network's number; what the guest's own network let through was no more than its machine's.
        Assert.InRange(LanBench.Connections(bench.Node).Length, ConnectionLimits.Burst / 2, ConnectionLimits.PerMachine);
        Assert.NotNull(LanBench.Ask(other.Space, LanBench.Internet, 80));
        Assert.Null(LanBench.Ask(web.Space, LanBench.Internet, 80, 300));
    }

    [SkippableFact]
    public void The_bus_and_the_nodes_own_names_and_time_are_tracked_by_nobody()
    {
        using LanBench bench = Bench();
        bench.Serve(bench.Node, 8051);
        bench.ServeUdp(bench.Lan, 123, "time", LanBench.Neighbour);
        using Socket kept = LanBench.Connect(bench.Lan, LanBench.NodeAddress, 8051)!;
        Assert.Equal(LanBench.Gateway, LanBench.ReadLine(kept));
        Assert.NotNull(LanBench.Ask(bench.Node, "127.0.0.1", 8051));
        Assert.True(LanBench.AskDns(bench.Node, LanBench.Resolver));
        using Socket clock = bench.Node.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        clock.Connect(IPAddress.Parse(LanBench.Neighbour), 123);
        Assert.Equal("time", LanBench.AskAgain(clock));
        kept.Send("again\n"u8);
        Assert.Equal(LanBench.Gateway, LanBench.ReadLine(kept));

        Assert.DoesNotContain(LanBench.Connections(bench.Node), l => !l.Contains("icmp", StringComparison.Ordinal));

        // As strict as before: no other port is open, and nothing says which are closed.
        Assert.Null(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8052, 300));
        using Socket spoof = bench.Lan.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        spoof.Bind(new IPEndPoint(IPAddress.Parse(LanBench.Gateway), 123));
        spoof.Connect(IPAddress.Parse(LanBench.NodeAddress), KernelTables.FirstOwnPort + 7);
        Assert.Null(LanBench.AskAgain(spoof, attempts: 1));
        spoof.Send("?"u8); // a refusal would be told here
    }

    [SkippableFact]
    public void A_source_that_dials_the_bus_without_end_is_held_to_its_rate_and_another_is_answered()
    {
        using LanBench bench = Bench();
        bench.Serve(bench.Node, 8051);
        // Nobody waits for an answer: what the firewall lets in is counted where it arrives.
        Stopwatch watch = Stopwatch.StartNew();
        List<Socket> dialled = [];
        for (int i = 0; i < 3 * ConnectionLimits.BusBurst; i++)
        {
            Socket socket = bench.Lan.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false });
            dialled.Add(socket);
            Assert.Throws<SocketException>(() => socket.Connect(IPAddress.Parse(LanBench.NodeAddress), 8051));
        }
        Assert.True(SpinWait.SpinUntil(() => dialled.Count(s => s.Poll(0, SelectMode.SelectWrite)) >= ConnectionLimits.BusBurst, LanBench.PatienceMs));
        int through = dialled.Count(s => s.Poll(0, SelectMode.SelectWrite));
        double seconds = watch.Elapsed.TotalSeconds;
        dialled.ForEach(s => s.Dispose());
        Assert.InRange(through, ConnectionLimits.BusBurst, ConnectionLimits.BusBurst + (int)((seconds + 1) * ConnectionLimits.BusPerSecond));
        Assert.NotNull(LanBench.Ask(bench.Lan, LanBench.NodeAddress, 8051, from: IPAddress.Parse(LanBench.Neighbour)));
    }

    [SkippableFact]
    public void A_guest_with_a_port_of_the_nodes_own_is_translated_away_from_it()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web);
        bench.ServeUdp(bench.Lan, 7777, "far", LanBench.Internet);
        foreach (int port in new[] { 8051, KernelTables.FirstOwnPort + 1, 40_000 })
        {
            using Socket socket = web.Space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            socket.Connect(IPAddress.Parse(LanBench.Internet), 7777);
            Assert.Equal("far", LanBench.AskAgain(socket));
        }
        string[] lines = [.. LanBench.Connections(bench.Node).Where(l => l.Contains("dport=7777", StringComparison.Ordinal))];
        int[] ports = [.. lines.Select(l => int.Parse(l[(l.LastIndexOf("dport=", StringComparison.Ordinal) + 6)..].Split(' ')[0], null))];
        Assert.Equal(3, ports.Length);
        Assert.Contains(40_000, ports);
        Assert.All(ports, p => Assert.InRange(p, KernelTables.GuestPorts.First, KernelTables.GuestPorts.Last));
    }

    [SkippableFact]
    public void A_guest_that_tries_every_address_of_its_range_makes_the_kernel_ask_for_none()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web);
        using NetworkNamespace space = SpaceOf(bench, s_alice);
        // By the gateway, so that it is the gateway that would have to ask.
        Link card = web.Space.Route.GetLink("g0");
        web.Space.Route.PutRoute(new Route { Destination = IPNetwork.Parse("10.77.1.128/25"), Gateway = IPAddress.Parse("10.77.1.1"), Link = card.Index });
        using Socket socket = web.Space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        for (int i = 129; i < 250; i++)
            socket.SendTo("x"u8, new IPEndPoint(IPAddress.Parse($"10.77.1.{i}"), 9));
        Assert.NotNull(LanBench.Ask(web.Space, LanBench.Internet, 80));
        Assert.All(space.Route.Neighbors().Where(n => n.Address.AddressFamily == AddressFamily.InterNetwork),
            n => Assert.Contains($"{n.Address}", new[] { "10.77.1.2", "100.64.0.0" }));
    }

    [SkippableFact]
    public void Frames_to_reserved_group_addresses_teach_the_bridge_nothing_and_reach_no_chain()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web);
        using NetworkNamespace space = SpaceOf(bench, s_alice);
        Assert.NotNull(LanBench.Ask(web.Space, LanBench.Internet, 80));
        string probe = Path.Combine(bench.StateDirectory, "probe.nft");
        File.WriteAllText(probe, """
            table inet probe {
              counter taps { }
              chain before {
                type filter hook prerouting priority -250;
                iifname "t*" counter name taps
              }
            }
            """);
        NamespaceTool.Run(space, "nft", "-f", probe);
        for (int i = 0; i < 300; i++)
        {
            byte[] group = [1, 0x80, 0xC2, 0, 0, (byte)(i % 16)], mac = [2, 0xEE, 0, 0, (byte)(i >> 8), (byte)i];
            // "Who has the gateway? Tell 10.77.1.200 to 249": answering would remember the asker.
            web.Inject([.. group, .. mac, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, .. mac, 10, 77, 1, (byte)(200 + (i % 50)), 0, 0, 0, 0, 0, 0, 10, 77, 1, 1]);
            web.Inject(Frames.Udp(group, mac, IPAddress.Parse("10.77.1.2"), IPAddress.Parse("10.77.1.1"), 5, 53));
        }
        Assert.NotNull(LanBench.Ask(web.Space, LanBench.Internet, 80));

        string learned = NamespaceTool.Run(space, "bridge", "fdb", "show");
        Assert.DoesNotContain("02:ee:", learned, StringComparison.Ordinal);
        Assert.Contains($"{TenantNetwork.MacOf(s_alice, s_web)} dev {TenantNetwork.TapName(bench.Names.Of(s_web))} master br0 static", learned,
            StringComparison.Ordinal);
        Assert.DoesNotContain(space.Route.Neighbors(), n => $"{n.Address}".StartsWith("10.77.1.2", StringComparison.Ordinal) && $"{n.Address}" != "10.77.1.2");
        Assert.Contains("packets 0 bytes 0", NamespaceTool.Run(space, "nft", "list", "counters", "table", "inet", "probe"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_source_that_is_not_behind_the_cable_is_dropped_by_the_reverse_path_alone()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web);
        using NetworkNamespace space = SpaceOf(bench, s_alice);
        // No rule is left on the way: only routes judge.
        NamespaceTool.Run(space, "nft", "flush", "ruleset");
        NamespaceTool.Run(bench.Node, "nft", "flush", "ruleset");
        using Socket listener = bench.Lan.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        listener.Bind(new IPEndPoint(IPAddress.Parse(LanBench.Internet), 9999));
        byte[] spoofed = Frames.Packet(IPAddress.Parse("10.0.2.200"), IPAddress.Parse(LanBench.Internet), 17, [0, 5, 0x27, 0x0F, 0, 9, 0, 0, 1]);
        using Socket raw = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw));
        raw.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.HeaderIncluded, true);
        long before = ReversePathDrops(bench.Node);

        raw.SendTo(spoofed, new IPEndPoint(IPAddress.Parse(LanBench.Internet), 0));

        Assert.True(SpinWait.SpinUntil(() => ReversePathDrops(bench.Node) > before, LanBench.PatienceMs));
        Assert.False(listener.Poll(0, SelectMode.SelectRead));
        // The test can see it: without the filter it comes through.
        string cable = TenantNetwork.CableName(bench.Names.Of(s_alice));
        bench.Node.SetSysctl($"ipv4.conf.{cable}.rp_filter", "0");
        raw.SendTo(spoofed, new IPEndPoint(IPAddress.Parse(LanBench.Internet), 0));
        Assert.True(listener.Poll(3_000_000, SelectMode.SelectRead));
    }

    [SkippableFact]
    public void What_the_kernel_remembers_is_short_in_every_namespace()
    {
        using LanBench bench = Bench();
        using TapGuest web = Guest(bench, s_alice, s_web);
        using NetworkNamespace space = SpaceOf(bench, s_alice);
        foreach (NetworkNamespace each in new[] { bench.Node, space })
            Assert.Equal(("7440", "10"),
                (each.Sysctl("netfilter.nf_conntrack_tcp_timeout_established"), each.Sysctl("netfilter.nf_conntrack_tcp_timeout_time_wait")));
        Assert.Equal($"{KernelTables.FragmentBytes}", space.Sysctl("ipv4.ipfrag_high_thresh"));
        Assert.Equal(("0", "1"),
            (bench.Node.Sysctl("ipv4.conf.all.rp_filter"), bench.Node.Sysctl($"ipv4.conf.{TenantNetwork.CableName(bench.Names.Of(s_alice))}.rp_filter")));
        Assert.Equal("1", space.Sysctl("ipv4.conf.br0.rp_filter"));
        Assert.Equal((32768, 524288), (KernelTables.MostConnections(256L << 20), KernelTables.MostConnections(8L << 30)));
        // Counters outlive every change of the other rules.
        string limits = NamespaceTool.Run(bench.Node, "nft", "-a", "list", "table", "inet", "zeroos-limits");
        bench.RestartNode();
        bench.Networks.Ensure(s_bob, new NetworkData { Range = "10.77.1.0/24" });
        Assert.Equal(limits, NamespaceTool.Run(bench.Node, "nft", "-a", "list", "table", "inet", "zeroos-limits"));
    }

    private static long ReversePathDrops(NetworkNamespace space)
    {
        string[] lines = [.. NamespaceTool.Run(space, "cat", "/proc/net/netstat").Split('\n').Where(l => l.StartsWith("TcpExt:", StringComparison.Ordinal))];
        return long.Parse(lines[1].Split(' ')[Array.IndexOf(lines[0].Split(' '), "IPReversePathFilter")], null);
    }

    private static NetworkNamespace SpaceOf(LanBench bench, WorkloadId network) =>
        NetworkNamespace.Open(Path.Combine(bench.NetworksDirectory, bench.Names.Of(network)))!;

    private static LanBench Bench()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        Skip.IfNot(File.Exists("/proc/net/nf_conntrack") && File.Exists("/usr/sbin/bridge"), "no /proc/net/nf_conntrack, or no bridge tool");
        return new LanBench();
    }

    private static TapGuest Guest(LanBench bench, WorkloadId network, WorkloadId machine)
    {
        bench.Networks.Ensure(network, new NetworkData { Range = "10.77.1.0/24" });
        return new TapGuest(bench.Networks.Attach(network, machine, IPAddress.Parse("10.77.1.2")));
    }
}
