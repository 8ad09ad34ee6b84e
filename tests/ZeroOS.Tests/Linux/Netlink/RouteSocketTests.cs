using System.Net;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Linux.Taps;

namespace ZeroOS.Tests.Linux.Netlink;

[Trait("tier", "kernel")]
public sealed class RouteSocketTests
{
    [SkippableFact]
    public void Links_addresses_and_routes_are_what_the_ip_tool_sees()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace one = NetworkNamespace.Create("one"), two = NetworkNamespace.Create("two");
        one.Route.CreateBridge("br0", MacAddress.Parse("02:00:00:00:00:07"));
        one.Route.CreateVeth("v0", "v1", two.Descriptor);
        Link bridge = one.Route.GetLink("br0"), cable = one.Route.GetLink("v0"), far = two.Route.GetLink("v1");
        one.Route.ChangeLink(cable.Index, new LinkChange { Up = true, Master = bridge.Index, Mtu = 1400, Alias = "to two" });
        one.Route.ChangeLink(bridge.Index, new LinkChange { Up = true });
        two.Route.ChangeLink(far.Index, new LinkChange { Up = true, Name = "up0", Mac = MacAddress.Parse("02:00:00:00:00:08") });
        one.Route.PutAddress(bridge.Index, IPAddress.Parse("10.9.0.1"), 24);
        one.Route.PutAddress(bridge.Index, IPAddress.Parse("10.9.0.1"), 24);
        two.Route.PutAddress(far.Index, IPAddress.Parse("10.9.0.2"), 24);
        Route leave = new()
        {
            Destination = IPNetwork.Parse("0.0.0.0/0"),
            Gateway = IPAddress.Parse("10.9.0.1"),
            Link = far.Index,
            Metric = 1024,
            Protocol = RouteProtocol.Dhcp,
        };
        two.Route.PutRoute(leave);
        two.Route.PutNeighbor(new Neighbor(far.Index, IPAddress.Parse("10.9.0.1"), bridge.Mac, Neighbor.Permanent));

        string links = NamespaceTool.Run(one, "ip", "-d", "link");
        Assert.Contains("v0@", links, StringComparison.Ordinal);
        Assert.Contains("mtu 1400", links, StringComparison.Ordinal);
        Assert.Contains("master br0", links, StringComparison.Ordinal);
        Assert.Contains("alias to two", links, StringComparison.Ordinal);
        Assert.Contains("link/ether 02:00:00:00:00:07", links, StringComparison.Ordinal);
        Assert.Contains("10.9.0.1/24 brd 10.9.0.255", NamespaceTool.Run(one, "ip", "addr"), StringComparison.Ordinal);
        Assert.Contains("default via 10.9.0.1 dev up0 proto dhcp metric 1024", NamespaceTool.Run(two, "ip", "route"), StringComparison.Ordinal);
        Assert.Contains("10.9.0.1 dev up0 lladdr 02:00:00:00:00:07 PERMANENT", NamespaceTool.Run(two, "ip", "neigh"), StringComparison.Ordinal);
        Assert.Equal(leave, Assert.Single(two.Route.Routes(), r => r.IsDefault));
        Assert.Contains(two.Route.Addresses(), a => a.Address.Equals(IPAddress.Parse("10.9.0.2")) && a.PrefixLength == 24);
        Assert.Contains(two.Route.Neighbors(), n => n.Address.Equals(IPAddress.Parse("10.9.0.1")) && n.Mac == bridge.Mac);

        two.Route.DeleteRoute(leave);
        two.Route.DeleteRoute(leave);
        two.Route.DeleteAddress(far.Index, IPAddress.Parse("10.9.0.2"), 24);
        two.Route.DeleteAddress(far.Index, IPAddress.Parse("10.9.0.2"), 24);
        one.Route.DeleteLink(cable.Index);
        one.Route.DeleteLink(cable.Index);
        Assert.Null(one.Route.FindLink("v0"));
        Assert.Null(two.Route.FindLink("up0"));
    }

    [SkippableFact]
    public void A_refusal_names_the_operation_the_link_and_the_kernels_reason()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("refusal");
        space.Route.CreateVeth("a", "b");
        LinuxException twice = Assert.Throws<LinuxException>(() => space.Route.CreateVeth("a", "c"));
        Assert.Equal((Errno.EEXIST, "create veth"), (twice.Errno, twice.Operation));
        LinuxException unreachable = Assert.Throws<LinuxException>(() => space.Route.PutRoute(
            new Route { Destination = IPNetwork.Parse("0.0.0.0/0"), Gateway = IPAddress.Parse("10.1.1.1"), Link = space.Route.GetLink("a").Index }));
        Assert.Contains("0.0.0.0/0 (", unreachable.Subject, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_kept_namespace_outlives_its_object_and_a_live_tap_is_not_opened_twice()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        string path = Path.Combine(Path.GetTempPath(), $"zeroos-netns-{Environment.ProcessId}", "kept");
        try
        {
            using (NetworkNamespace first = NetworkNamespace.OpenOrCreate(path))
                first.Route.CreateVeth("mark", "mark2");
            using NetworkNamespace again = NetworkNamespace.OpenOrCreate(path);
            Assert.NotNull(again.Route.FindLink("mark"));

            FileDescriptor tap = Assert.IsType<FileDescriptor>(again.Run(() => TapDevice.TryOpen("t0")));
            int index = again.Route.GetLink("t0").Index;
            Assert.Null(again.Run(() => TapDevice.TryOpen("t0")));
            tap.Dispose();
            using FileDescriptor? reopened = again.Run(() => TapDevice.TryOpen("t0"));
            Assert.NotNull(reopened);
            Assert.Equal(index, again.Route.GetLink("t0").Index);
        }
        finally
        {
            NetworkNamespace.Forget(path);
            NetworkNamespace.Forget(path);
            Directory.Delete(Path.GetDirectoryName(path)!);
        }
        Assert.Null(NetworkNamespace.Open(path));
    }

    [SkippableFact]
    public void The_monitor_hears_a_link_that_appears()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("monitor");
        using RouteMonitor monitor = space.Run(() => new RouteMonitor());
        Assert.False(monitor.Drain([]));
        space.Route.CreateVeth("a", "b");
        Assert.True(monitor.Drain([]));
        Assert.False(monitor.Drain([]));
    }
}
