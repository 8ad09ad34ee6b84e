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

/// <summary>A farm behind PPPoE: the way out takes 1,492 bytes, and what is larger is lost without a word.</summary>
[Trait("tier", "kernel")]
public sealed class MtuTests
{
    private const int Narrow = 1492, Bytes = 1 << 20, Port = 8888;
    private static readonly WorkloadId s_alice = new("alice", "shop", "net"), s_web = new("alice", "shop", "web"), s_old = new("alice", "shop", "old");

    [SkippableFact]
    public void A_guest_behind_a_narrow_uplink_loads_a_megabyte_though_icmp_is_lost()
    {
        using LanBench bench = Bench(Narrow);
        using TapGuest web = Guest(bench, s_web, "10.77.1.2", out MachineNic nic);
        Assert.Equal(Narrow, nic.Mtu);
        Assert.Equal(Bytes, Load(bench, web.Space));
    }

    [SkippableFact]
    public void A_guest_whose_card_is_wider_than_the_uplink_loads_a_megabyte_too()
    {
        using LanBench bench = Bench(Narrow);
        using TapGuest old = Guest(bench, s_old, "10.77.1.3", out _, mtu: 1500);
        // As after an uplink that changed: the card keeps what it was told, so the segment size has to give way.
        Assert.Equal(1500, old.Space.Route.GetLink("g0").Mtu);
        Assert.Equal(Bytes, Load(bench, old.Space));
    }

    [SkippableFact]
    public void A_lease_that_names_another_mtu_and_a_router_that_advertises_one_are_followed_by_cards_cables_and_bridges()
    {
        using LanBench bench = Bench(Narrow);
        using TapGuest web = Guest(bench, s_web, "10.77.1.2", out _);
        using NetworkNamespace space = NetworkNamespace.Open(Path.Combine(bench.NetworksDirectory, bench.Names.Of(s_alice)))!;
        Eventually(bench, space, Narrow);
        bench.Dhcp.Mtu = 1400;
        bench.RestartNode();
        Eventually(bench, space, 1400);
        bench.Dhcp.Mtu = null;
        bench.RestartNode();
        Eventually(bench, space, 1500);
        Assert.Equal(1500, bench.Node.Route.GetLink("eth0").Mtu);

        Advertise(bench, 1480);

        Eventually(bench, space, 1480);
        Assert.Equal(1500, bench.Node.Route.GetLink("eth0").Mtu);
        Assert.Equal(1480, bench.Networks.Attach(s_alice, s_old, IPAddress.Parse("10.77.1.3")).Mtu);
    }

    [SkippableFact]
    public void An_uplink_that_is_narrower_than_ipv6_allows_leaves_a_card_at_1280()
    {
        using LanBench bench = Bench(576);
        // The segment size does the rest.
        using TapGuest web = Guest(bench, s_web, "10.77.1.2", out MachineNic nic);
        Assert.Equal((576, NetworkWiring.LeastCardMtu), (bench.Uplink.Current.Mtu, nic.Mtu));
    }

    private static LanBench Bench(int leaseMtu)
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        LanBench bench = new(leaseMtu);
        // Frames of one segment each, as on a wire: a veth lets large bundles pass whatever the other end's MTU is.
        NamespaceTool.Run(bench.Lan, "ip", "link", "set", "lan0", "gso_max_segs", "1");
        string rules = Path.Combine(bench.StateDirectory, "lost.nft");
        File.WriteAllText(rules, """
            table inet lost {
              chain in {
                type filter hook input priority 0;
                icmp type destination-unreachable drop
              }
              chain out {
                type filter hook output priority 0;
                icmp type destination-unreachable drop
              }
            }
            """);
        NamespaceTool.Run(bench.Lan, "nft", "-f", rules);
        return bench;
    }

    private static TapGuest Guest(LanBench bench, WorkloadId machine, string address, out MachineNic nic, int? mtu = null)
    {
        bench.Networks.Ensure(s_alice, new NetworkData { Range = "10.77.1.0/24" });
        nic = bench.Networks.Attach(s_alice, machine, IPAddress.Parse(address));
        return new TapGuest(mtu is { } wide ? nic with { Mtu = wide } : nic);
    }

    /// <summary>Bytes that come of a megabyte from the internet, until none come for <see cref="LanBench.PatienceMs"/>.</summary>
    private static int Load(LanBench bench, NetworkNamespace guest)
    {
        Socket listener = bench.Keep(bench.Lan.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)));
        listener.Bind(new IPEndPoint(IPAddress.Parse(LanBench.Internet), Port));
        listener.Listen(1);
        AnsweringThread.Start("megabyte", () =>
        {
            using Socket client = listener.Accept();
            client.Send(new byte[Bytes]);
            client.Shutdown(SocketShutdown.Send);
            _ = client.Receive(new byte[1]);
        });
        using Socket socket = LanBench.Connect(guest, LanBench.Internet, Port)!;
        socket.ReceiveTimeout = LanBench.PatienceMs;
        int total = 0;
        byte[] buffer = new byte[65536];
        try
        {
            while (socket.Receive(buffer) is > 0 and var read)
                total += read;
        }
        catch (SocketException)
        {
            // Stalled: what came is the answer.
        }
        return total;
    }

    private static void Eventually(LanBench bench, NetworkNamespace space, int mtu)
    {
        int[] Seen() => [bench.Uplink.Current.Mtu ?? 0, bench.Node.Route.GetLink(TenantNetwork.CableName(bench.Names.Of(s_alice))).Mtu,
            space.Route.GetLink("up0").Mtu, space.Route.GetLink("br0").Mtu];
        Assert.True(SpinWait.SpinUntil(() => Seen().All(m => m == mtu), 20_000),
            $"{mtu} wanted, seen {string.Join(' ', Seen())}:\n{string.Join('\n', bench.Log)}");
    }

    /// <summary>A router advertisement (RFC 4861, 4.2) with the MTU option and nothing else, until it can be sent.</summary>
    private static void Advertise(LanBench bench, int mtu)
    {
        byte[] message = [134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 0, (byte)(mtu >> 8), (byte)mtu];
        int link = bench.Lan.Route.GetLink("lan0").Index;
        using Socket socket = bench.Lan.Run(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6));
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive, 255);
        Assert.True(SpinWait.SpinUntil(() =>
        {
            try
            {
                // All nodes of the link; its own address there is checked for duplicates first.
                socket.SendTo(message, new IPEndPoint(IPAddress.Parse($"ff02::1%{link}"), 0));
            }
            catch (SocketException)
            {
                return false;
            }
            return bench.Uplink.Current.Mtu == mtu;
        }, 20_000), "no router advertisement was heard");
    }
}
