using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

using Xunit;
using Xunit.Abstractions;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Host.Network;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Network;

/// <summary>What no frame of a guest may do, whatever is in it. Counters of the kernel's behind our rules are the judges.</summary>
[Trait("tier", "kernel")]
public sealed partial class RandomFrameTests(ITestOutputHelper output)
{
    private const int Frames = 20_000;
    private static readonly WorkloadId s_alice = new("alice", "shop", "net"), s_bob = new("bob", "shop", "net"), s_web = new("alice", "shop", "web"),
        s_db = new("alice", "shop", "db"),
        s_other = new("bob", "shop", "web");

    [SkippableFact]
    public void Random_frames_reach_neither_the_node_nor_another_network_nor_what_is_not_the_internet()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using LanBench bench = new();
        using TapGuest web = Guest(bench, s_alice, s_web, "10.77.1.2"), db = Guest(bench, s_alice, s_db, "10.77.1.3"),
            other = Guest(bench, s_bob, s_other, "10.77.1.2");
        bench.Networks.Publish([new PortMapping(PortProtocol.Udp, 5353, s_alice, IPAddress.Parse("10.77.1.2"), 53),
            new PortMapping(PortProtocol.Tcp, 8080, s_bob, IPAddress.Parse("10.77.1.2"), 80)]);
        Assert.NotNull(LanBench.Ask(web.Space, LanBench.Internet, 80));
        using NetworkNamespace space = NetworkNamespace.Open(Path.Combine(bench.NetworksDirectory, bench.Names.Of(s_alice)))!;
        Judge(bench.Node, bench.StateDirectory, """
            table inet probe {
              counter node { }
              counter across { }
              counter forbidden { }
              counter spoofed { }
              counter out { }
              set hits {
                typeof ip daddr . ip protocol . ip length
                flags dynamic
              }
              chain input {
                type filter hook input priority 10;
                iifname "zt*" counter name node
              }
              chain forward {
                type filter hook forward priority 10;
                iifname "zt*" oifname "zt*" counter name across
                iifname "zt*" ip saddr != 100.64.0.1 counter name spoofed
                iifname "zt*" meta nfproto ipv6 counter name forbidden
                ip daddr 10.0.2.3 meta l4proto { tcp, udp } th dport 53 accept
                ip daddr 10.0.2.3 icmp type destination-unreachable ct state related accept
                iifname "zt*" ip daddr { 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, 224.0.0.0/3 } \
                  counter name forbidden add @hits { ip daddr . ip protocol . ip length }
                iifname "zt*" oifname "eth0" counter name out
              }
            }
            """);
        Judge(space, bench.StateDirectory, """
            table inet probe {
              counter taps { }
              counter spoofed { }
              chain before {
                type filter hook prerouting priority -250;
                iifname "t*" counter name taps
                iifname "br0" ip saddr != { 10.77.1.2, 10.77.1.3 } counter name spoofed
                iifname "br0" meta nfproto ipv6 counter name spoofed
              }
            }
            """);
        byte[] own = TenantNetwork.MacOf(s_alice, s_web).ToBytes(), gateway = space.Route.GetLink("br0").Mac.ToBytes();
        int seed = Seeds.Of(nameof(RandomFrameTests));
        output.WriteLine($"seed={seed}");
        RandomFrame frames = new(new Random(seed), own, gateway, TenantNetwork.MacOf(s_alice, s_db).ToBytes());

        for (int i = 0; i < Frames; i++)
            web.Inject(frames.Next());

        Dictionary<string, long> root = Counters(bench.Node), inside = Counters(space);
        string found = $"seed={seed} root: {string.Join(' ', root)} inside: {string.Join(' ', inside)} "
            + $"{NamespaceTool.Run(bench.Node, "nft", "list", "set", "inet", "probe", "hits")}";
        output.WriteLine(found);
        foreach (string what in new[] { "node", "across", "forbidden", "spoofed" })
            Assert.True(root[what] == 0, found);
        Assert.True(inside["taps"] == 0 && inside["spoofed"] == 0, found);
        // The frames are not all nonsense.
        Assert.True(root["out"] > 0, found);
        string[] known = ["10.77.1.2", "10.77.1.3", "100.64.0.0"];
        Assert.All(space.Route.Neighbors().Where(n => n.Address.AddressFamily == AddressFamily.InterNetwork && n.Mac is not null),
            n => Assert.Contains($"{n.Address}", known));
        string[] learned = [.. NamespaceTool.Run(space, "bridge", "fdb", "show")
            .Split('\n').Where(l => l.Contains(" dev t", StringComparison.Ordinal) && l.Contains("master br0", StringComparison.Ordinal))];
        Assert.All(learned,
            l => Assert.True(l.Contains("static", StringComparison.Ordinal) || l.Contains("permanent", StringComparison.Ordinal), $"seed={seed}: {l}"));
        // And an honest guest is served as before.
        Assert.NotNull(LanBench.Ask(other.Space, LanBench.Internet, 80));
    }

    private static void Judge(NetworkNamespace space, string directory, string rules)
    {
        string file = Path.Combine(directory, $"{Guid.NewGuid():N}.nft");
        File.WriteAllText(file, rules);
        NamespaceTool.Run(space, "nft", "-f", file);
    }

    private static Dictionary<string, long> Counters(NetworkNamespace space) =>
        Counter().Matches(NamespaceTool.Run(space, "nft", "list", "counters", "table", "inet", "probe"))
        .ToDictionary(m => m.Groups[1].Value, m => long.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));

    private static TapGuest Guest(LanBench bench, WorkloadId network, WorkloadId machine, string address)
    {
        bench.Networks.Ensure(network, new NetworkData { Range = "10.77.1.0/24" });
        return new TapGuest(bench.Networks.Attach(network, machine, IPAddress.Parse(address)));
    }

    [GeneratedRegex(@"counter (\w+) \{\s+packets (\d+)")]
    private static partial Regex Counter();
}
