using System.Net;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Linux.Netfilter;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Linux.Netfilter;

[Trait("tier", "kernel")]
public sealed class NftTableTests
{
    [SkippableFact]
    public void Every_word_of_a_rule_reads_the_same_in_the_nft_tool()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("words");
        NftTable table = new(NftFamily.Inet, "zeroos");
        NftSet four = table.Prefixes("four", false, [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("10.2.0.0/16"), IPNetwork.Parse("240.0.0.0/4"),
            IPNetwork.Parse("11.0.0.0/8")]);
        NftSet six = table.Prefixes("six", true, [IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("10.0.0.0/8")]);
        NftSet links = table.Interfaces("uplinks", ["eth0"]);
        NftChain side = table.Chain("side");
        table.Filter("input", NftHook.Input, drop: true)
            .Add(new NftRule().Established().Accept()).Add(new NftRule().Invalid().Drop()).Add(new NftRule().From("lo").Accept())
            .Add(new NftRule().From("v*").Jump(side)).Add(new NftRule().NotFrom("v*").TcpTo(8051).Accept())
            .Add(new NftRule().IcmpType(8).AtMost(10).Accept()).Add(new NftRule().Icmp6Type(135, fromLink: true).Accept())
            .Add(new NftRule().To(four).Reject()).Add(new NftRule().To(six).Drop()).Add(new NftRule().ToNoUnicast().Count().Drop());
        side.Add(new NftRule().From(links).Return());
        table.Filter("output", NftHook.Output, drop: false).Add(new NftRule().Uid(1001).To(IPAddress.Parse("10.0.2.2")).TcpTo(5000).Accept())
            .Add(new NftRule().Uid(1001).To(IPNetwork.Parse("10.0.2.0/24")).UdpTo(53).Drop()).Add(new NftRule().To(IPNetwork.Parse("fe80::/10")).Drop());
        table.Filter("forward", NftHook.Forward, drop: true).Add(new NftRule().Out("v*").Translated().Accept());
        table.Nat("prerouting", NftHook.Prerouting).Add(new NftRule().From(links).ToHere().TcpTo(8080).Redirect(IPAddress.Parse("100.64.0.1"), 80))
            .Add(new NftRule().UdpTo(53).Redirect(IPAddress.Parse("10.0.2.3")));
        table.Nat("postrouting", NftHook.Postrouting).Add(new NftRule().Source(IPNetwork.Parse("100.64.0.0/10")).Out(links).Masquerade());

        space.Nft.Replace(table);
        space.Nft.Replace(table);

        string[] lines = [.. NamespaceTool.Run(space, "nft", "list", "ruleset").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 1)];
        Assert.Equal(
        [
            "table inet zeroos {",
            "set four {", "type ipv4_addr", "flags interval", "elements = { 10.0.0.0/7, 240.0.0.0/4 }",
            "set six {", "type ipv6_addr", "flags interval", "elements = { fc00::/7 }",
            "set uplinks {", "type ifname", "elements = { \"eth0\" }",
            "chain side {", "iifname @uplinks return",
            "chain input {", "type filter hook input priority filter; policy drop;",
            "ct state established,related accept", "ct state invalid drop", "iifname \"lo\" accept",
            "iifname \"v*\" jump side", "iifname != \"v*\" tcp dport 8051 accept",
            "icmp type echo-request limit rate 10/second accept", "icmpv6 type nd-neighbor-solicit ip6 hoplimit 255 accept",
            "ip daddr @four reject with icmpx admin-prohibited", "ip6 daddr @six drop", "fib daddr type != unicast counter packets 0 bytes 0 drop", "drop",
            "chain output {", "type filter hook output priority filter; policy accept;",
            "meta skuid 1001 ip daddr 10.0.2.2 tcp dport 5000 accept", "meta skuid 1001 ip daddr 10.0.2.0/24 udp dport 53 drop", "ip6 daddr fe80::/10 drop",
            "chain forward {", "type filter hook forward priority filter; policy drop;", "oifname \"v*\" ct status dnat accept", "drop",
            "chain prerouting {", "type nat hook prerouting priority dstnat; policy accept;",
            "iifname @uplinks fib daddr type local tcp dport 8080 dnat ip to 100.64.0.1:80", "udp dport 53 dnat ip to 10.0.2.3",
            "chain postrouting {", "type nat hook postrouting priority srcnat; policy accept;", "ip saddr 100.64.0.0/10 oifname @uplinks masquerade",
        ], lines);
    }

    [SkippableFact]
    public void A_bridge_table_reads_the_same_in_the_nft_tool()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("bridge");
        MacAddress mac = MacAddress.Parse("02:00:00:00:00:01");
        IPAddress ip = IPAddress.Parse("10.0.0.2");
        NftTable table = new(NftFamily.Bridge, "zeroos");
        table.Filter("prerouting", NftHook.Prerouting, drop: false, priority: -300)
            .Add(new NftRule().From("t0").EtherSourceNot(mac).Drop()).Add(new NftRule().ArpSenderNot(mac).Drop()).Add(new NftRule().ArpSenderNot(ip).Drop())
            .Add(new NftRule().EtherType(0x0800).SourceNot(ip).Drop());
        space.Nft.Replace(table);
        string text = NamespaceTool.Run(space, "nft", "list", "ruleset");
        foreach (string rule in new[] { "iifname \"t0\" ether saddr != 02:00:00:00:00:01 drop", "arp saddr ether != 02:00:00:00:00:01 drop",
            "arp saddr ip != 10.0.0.2 drop", "ip saddr != 10.0.0.2 drop" })
            Assert.Contains(rule, text, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Words_that_limit_exempt_and_clamp_read_the_same_in_the_nft_tool()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("limits");
        NftTable table = new(NftFamily.Inet, "zeroos");
        NftSet names = table.Dynamic("names", NftKey.InputLink, 100), rates = table.Dynamic("rates", NftKey.InputLink, 100, TimeSpan.FromMinutes(1)),
            guests = table.Dynamic("guests", NftKey.Source4, 200), nets = table.Dynamic("nets", NftKey.Source6Network, 100, TimeSpan.FromMinutes(1));
        NftSet four = table.Prefixes("four", false, [IPNetwork.Parse("10.0.0.0/8")]), six = table.Prefixes("six", true, [IPNetwork.Parse("fc00::/7")]);
        table.Early("early", NftHook.Prerouting).Add(new NftRule().From("lo").NoTrack().Accept()).Add(new NftRule().TcpTo(8051).ToHere().NoTrack())
            .Add(new NftRule().Source(four).UdpFrom(53).UdpTo(61000, 65535).NoTrack()).Add(new NftRule().Source(six).UdpTo(53).UdpFrom(1, 2).NoTrack());
        table.Filter("forward", NftHook.Forward, drop: false, priority: -10)
            .Add(new NftRule().From("zt*").New().RateOver(NftKey.InputLink, rates, 300, 1000).Drop())
            .Add(new NftRule().New().ConnectionsOver(NftKey.OutputLink, names, 4096).Drop())
            .Add(new NftRule().New().ConnectionsOver(NftKey.Source4, guests, 7).Drop())
            .Add(new NftRule().New().ConnectionsOver(NftKey.Destination4, guests, 7).Drop())
            .Add(new NftRule().TcpTo(8051).TcpOpens().RateOver(NftKey.Source6Network, nets, 100, 400).Drop())
            .Add(new NftRule().New().ConnectionsOver(9).Drop()).Add(new NftRule().Out("zt*").ClampSegments());
        table.Filter("output", NftHook.Output, drop: false).Add(new NftRule().Gid(992).TcpFrom(8051).TcpOpensNothing().Accept())
            .Add(new NftRule().Untracked().NotOut("lo").PortUnreachable(v6: false).Drop()).Add(new NftRule().PortUnreachable(v6: true).Drop());
        table.Nat("postrouting", NftHook.Postrouting).Add(new NftRule().AnyTcp().Masquerade(10240, 60999)).Add(new NftRule().AnyUdp().Masquerade(10240, 60999));
        NftTable arp = new(NftFamily.Arp, "zeroos");
        arp.Filter("input", NftHook.Prerouting, drop: false).Add(new NftRule().From("t*").Drop());

        space.Nft.Replace(table, arp);

        string text = NamespaceTool.Run(space, "nft", "list", "ruleset");
        foreach (string line in new[]
        {
            "iifname \"lo\" notrack accept", "tcp dport 8051 fib daddr type local notrack", "ip saddr @four udp sport 53 udp dport 61000-65535 notrack",
            "ip6 saddr @six udp dport 53 udp sport 1-2 notrack",
            "iifname \"zt*\" ct state new update @rates { iifname limit rate over 300/second burst 1000 packets } drop",
            "ct state new add @names { oifname ct count over 4096 } drop", "ct state new add @guests { ip saddr ct count over 7 } drop",
            "ct state new add @guests { ip daddr ct count over 7 } drop", "ct state new ct count over 9 drop",
            "oifname \"zt*\" tcp flags syn tcp option maxseg size set rt mtu",
            "meta skgid 992 tcp sport 8051 tcp flags != syn / syn,ack accept",
            "ct state untracked oifname != \"lo\" icmp type destination-unreachable icmp code port-unreachable drop",
            "tcp dport 8051 tcp flags syn / syn,ack update @nets { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 100/second burst 400 packets } drop",
            "icmpv6 type destination-unreachable icmpv6 code port-unreachable drop", "meta l4proto tcp masquerade to :10240-60999",
            "meta l4proto udp masquerade to :10240-60999",
            "type filter hook prerouting priority raw; policy accept;", "type filter hook input priority filter; policy accept;",
        })
            Assert.Contains(line, text, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_batch_that_is_refused_changes_nothing_and_says_which_message()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("atomic");
        NftTable good = new(NftFamily.Inet, "zeroos");
        good.Filter("input", NftHook.Input, drop: true).Add(new NftRule().From("lo").Accept());
        space.Nft.Replace(good);
        NftTable bad = new(NftFamily.Inet, "zeroos");
        bad.Filter("input", NftHook.Input, drop: false).Add(new NftRule().Jump(new NftChain("nowhere"))).Add(new NftRule().From("lo").Drop());

        LinuxException refused = Assert.Throws<LinuxException>(() => space.Nft.Replace(bad));

        Assert.Equal(Errno.ENOENT, refused.Errno);
        Assert.Contains("message 5 of the batch", refused.Subject, StringComparison.Ordinal);
        Assert.Contains("iifname \"lo\" accept", NamespaceTool.Run(space, "nft", "list", "ruleset"), StringComparison.Ordinal);
        space.Nft.Replace(good);
    }
}
