using System.Net;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Network;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Guest.Network;

[Trait("tier", "kernel")]
public sealed class GuestNetworkTests
{
    private const string Mac = "02:00:00:00:00:31";

    [SkippableFact]
    public void A_card_is_found_by_its_address_and_gets_mtu_addresses_and_the_default_route()
    {
        using NetworkNamespace guest = Guest();
        GuestNetwork.SetUp(guest.Route, [new GuestNic { Mac = Mac, Addresses = ["10.77.1.10/24"], Gateway = "10.77.1.1", Mtu = 1400 }]);
        Link card = guest.Route.GetLink("card");
        Assert.Contains("mtu 1400", NamespaceTool.Run(guest, "ip", "link"), StringComparison.Ordinal);
        Assert.Contains(guest.Route.Addresses(), a => a.Address.Equals(IPAddress.Parse("10.77.1.10")) && a.PrefixLength == 24);
        Route leave = Assert.Single(guest.Route.Routes(), r => r.IsDefault);
        Assert.Equal((card.Index, IPAddress.Parse("10.77.1.1")), (leave.Link, leave.Gateway));
        Assert.Contains("LOOPBACK,UP", NamespaceTool.Run(guest, "ip", "link"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_gateway_outside_the_prefix_is_reached_on_the_link()
    {
        using NetworkNamespace guest = Guest();
        GuestNetwork.SetUp(guest.Route, [new GuestNic { Mac = Mac, Addresses = ["10.77.1.10/32"], Gateway = "192.0.2.1" }]);
        Assert.Equal(IPAddress.Parse("192.0.2.1"), Assert.Single(guest.Route.Routes(), r => r.IsDefault).Gateway);
    }

    [SkippableTheory]
    [InlineData("02:00:00:00:00:99", "10.77.1.10/24", "there is no card with address 02:00:00:00:00:99")]
    [InlineData(Mac, "10.77.1.10", "\"10.77.1.10\" is not an address with a prefix length")]
    [InlineData(Mac, "10.77.1.10/33", "\"10.77.1.10/33\" is not an address with a prefix length")]
    [InlineData(Mac, "here/24", "\"here/24\" is not an address with a prefix length")]
    public void What_cannot_be_set_up_is_said(string mac, string address, string message)
    {
        using NetworkNamespace guest = Guest();
        SetupException refused = Assert.Throws<SetupException>(() => GuestNetwork.SetUp(guest.Route, [new GuestNic { Mac = mac, Addresses = [address] }]));
        Assert.Equal(("network", message), (refused.Stage, refused.Message));
    }

    private static NetworkNamespace Guest()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        NetworkNamespace guest = NetworkNamespace.Create("guest");
        guest.Route.CreateVeth("card", "wire");
        guest.Route.ChangeLink(guest.Route.GetLink("wire").Index, new LinkChange { Up = true });
        guest.Route.ChangeLink(guest.Route.GetLink("card").Index, new LinkChange { Mac = MacAddress.Parse(Mac) });
        return guest;
    }
}
