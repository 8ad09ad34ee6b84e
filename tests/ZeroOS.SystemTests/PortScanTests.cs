using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

using Xunit.Abstractions;

using ZeroOS.Linux.Netlink;
using ZeroOS.SystemTests.Bench;
using ZeroOS.SystemTests.Network;

namespace ZeroOS.SystemTests;

/// <summary>
/// The door is one: a stranger on the farmer's network tries every TCP port, every UDP port and every other protocol on each address of the node, IPv4 and
/// IPv6. What answers is the bus, ping (at most twenty a second) and what IPv6 neighbours need; no other packet comes back, not even a refusal. A tenant's
/// published port is added while it exists.
/// </summary>
public sealed class PortScanTests(ITestOutputHelper output)
{
    private const int Bus = 8051, EchoReply = 0, EchoReply6 = 129, NeighbourSolicitation = 135, NeighbourAdvertisement = 136, ListenerReport = 143;

    [SkippableFact]
    public async Task A_full_scan_finds_the_bus_and_nothing_else_and_a_published_port_only_while_it_is_published()
    {
        Skip.IfNot(Lan.Missing is null, Lan.Missing);
        Skip.IfNot(File.Exists("/usr/bin/nmap"), "nmap is not installed");
        await using World world = await World.Make("port-scan", 8080);
        await using Lan lan = new(world.Folder);
        world.Join(lan);
        await world.Publish("nginx");
        await world.Boot();
        await world.Pin(world.Owner);
        MacAddress card = lan.Space.Route.Neighbors().Single(n => n.Address.Equals(Lan.First)).Mac!.Value;
        IPAddress global = await Eventually.Get("an IPv6 address of the node", TimeSpan.FromSeconds(30), async () =>
            (await Status.Node(world.Owner)).Addresses!.Select(a => IPAddress.Parse(a.Split('/')[0]))
                .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetworkV6 && !a.IsIPv6LinkLocal));
        using PortScanner scanner = new(lan, "tap0", card, TimeSpan.FromMilliseconds(4));
        IPAddress here = lan.Space.Route.Addresses().Single(a => a.Address.IsIPv6LinkLocal && a.Link == lan.Space.Route.GetLink(Lan.Bridge).Index).Address;
        foreach ((IPAddress from, IPAddress to) in ((IPAddress, IPAddress)[])[(Lan.Router, Lan.First), (Lan.Router6, global), (here, LinkLocal(card))])
            OnlyOpen(Scan(scanner, from, to), to, Bus);
        // Another scanner's word. What was sent before is through when the bus answers, so nothing of nmap's waits behind it.
        await Eventually.Get("the scans to be through", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(scanner.Ask(Lan.Router, Lan.First, Bus).SetEquals([Bus]) ? "through" : null));
        Assert.Equal(["8051/open/tcp"], Nmap(lan));

        await world.Grant(world.OwnerKey, "8080");
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}", "--detach");
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(120));
        OnlyOpen(Scan(scanner, Lan.Router, Lan.First), Lan.First, Bus, 8080);
        await world.Owner.Ok("delete", "web");
        await Eventually.Get("the published port to close", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(scanner.Ask(Lan.Router, Lan.First, 8080, Bus).SetEquals([Bus]) ? "closed" : null));
    }

    private HashSet<Answer> Scan(PortScanner scanner, IPAddress from, IPAddress to)
    {
        Stopwatch watch = Stopwatch.StartNew();
        HashSet<Answer> answers = scanner.Scan(from, to);
        World.Figure(output, "scan of all TCP and UDP ports and protocols of "
            + $"{(to.IsIPv6LinkLocal ? "the link-local address" : to.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6")}",
            watch.Elapsed.TotalSeconds, "s");
        return answers;
    }

    /// <summary>
    /// What nmap finds open or refused among two thousand ports and those that mean something here; a port that does not answer is "filtered", or
    /// "open|filtered" for UDP, and not among them. All it sends fits into the card's queue, however slowly the node takes it out.
    /// </summary>
    private static string[] Nmap(Lan lan)
    {
        int[] some = [.. Enumerable.Range(1, ushort.MaxValue)];
        new Random(1).Shuffle(some);
        string ports = string.Join(',', ((int[])[Bus, 8080, .. some[..2000]]).Distinct().Order().Select(p => p.ToString(CultureInfo.InvariantCulture)));
        string found = lan.Tool("nmap", "-n", "-Pn", "-sS", "-sU", "-p", ports, "--disable-arp-ping", "--min-rate", "1000", "--max-rate", "1000",
            "--max-retries", "3", "--initial-rtt-timeout", "3s", "--max-rtt-timeout", "5s", "-oG", "-", Lan.First.ToString());
        return [.. Regex.Matches(found, @"\d+/(?:open|closed|unfiltered)/(?:tcp|udp)").Select(m => m.Value)];
    }

    private static void OnlyOpen(HashSet<Answer> answers, IPAddress at, params int[] ports)
    {
        // A neighbour asks who we are and says who it is, and tells the network which groups it is in. No port is in that. A published port is its tenant's:
        // where the flood leaves the machine behind it no time to answer, "unreachable" comes back, about that port alone.
        Answer[] counted = [.. answers.Where(a => a is not { Protocol: Probe.Icmp6, Port: NeighbourSolicitation or NeighbourAdvertisement or ListenerReport }
            && !(a.IsUnreachable && a.About != Bus && ports.Contains(a.About)))];
        Assert.Single(counted, a => a is { Protocol: Probe.Icmp, Port: EchoReply } or { Protocol: Probe.Icmp6, Port: EchoReply6 });
        string all = string.Join(", ", counted.Select(a => a.ToString()).Order(StringComparer.Ordinal));
        Assert.True(counted.Count(a => a.Open && a.Protocol == Probe.Tcp) == counted.Length - 1
            && counted.Where(a => a.Open).Select(a => a.Port).Distinct().Order().SequenceEqual(ports),
            string.Create(CultureInfo.InvariantCulture, $"{at} answered with {all}; expected only ping and tcp {string.Join(", ", ports)}"));
    }

    /// <summary>The address a card gives itself (RFC 4291, appendix A).</summary>
    private static IPAddress LinkLocal(MacAddress card)
    {
        byte[] m = card.ToBytes();
        return new IPAddress((byte[])[0xfe, 0x80, 0, 0, 0, 0, 0, 0, (byte)(m[0] ^ 2), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]]);
    }
}
