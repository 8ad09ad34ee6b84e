using System.Net;
using System.Net.Sockets;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Guest.Network;

/// <summary>Cards by their address: MTU, addresses, default routes; and the loopback.</summary>
internal static class GuestNetwork
{
    /// <exception cref="SetupException">A card is not there, or an address cannot be read.</exception>
    internal static void SetUp(IReadOnlyList<GuestNic> nics)
    {
        using RouteSocket routes = new();
        SetUp(routes, nics);
    }

    internal static void SetUp(RouteSocket routes, IReadOnlyList<GuestNic> nics)
    {
        IReadOnlyList<Link> links = routes.Links();
        foreach (Link loopback in links.Where(l => l.IsLoopback))
            routes.ChangeLink(loopback.Index, new LinkChange { Up = true });
        foreach (GuestNic nic in nics)
        {
            MacAddress mac = MacAddress.Parse(nic.Mac);
            Link link = links.FirstOrDefault(l => l.IsEthernet && l.Mac == mac)
                ?? throw new SetupException("network", $"there is no card with address {nic.Mac}");
            routes.ChangeLink(link.Index, new LinkChange { Up = true, Mtu = nic.Mtu });
            foreach (string address in nic.Addresses)
            {
                IPNetwork own = ParseAddress(address, out IPAddress ip);
                routes.PutAddress(link.Index, ip, own.PrefixLength);
            }
            if (nic.Gateway is { } gateway)
                routes.PutRoute(DefaultRoute(IPAddress.Parse(gateway), link.Index));
        }
        // Where a router beyond the uplink is narrower and "too large" is lost, an upload tries smaller segments instead of standing still (RFC 4821).
        _ = KernelFile.TryWrite("/proc/sys/net/ipv4/tcp_mtu_probing", "1");
    }

    /// <summary>Everything by way of <paramref name="gateway"/>, which is on the link whatever the prefix says.</summary>
    private static Route DefaultRoute(IPAddress gateway, int link) => new()
    {
        Destination = new IPNetwork(gateway.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0),
        Gateway = gateway,
        GatewayOnLink = true,
        Link = link,
    };

    private static IPNetwork ParseAddress(string text, out IPAddress address)
    {
        string[] parts = text.Split('/');
        if (parts.Length != 2 || !IPAddress.TryParse(parts[0], out IPAddress? ip) || !byte.TryParse(parts[1], out byte length)
            || length > (ip.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32))
            throw new SetupException("network", $"\"{text}\" is not an address with a prefix length");
        address = ip;
        return Prefixes.Truncate(ip, length);
    }
}
