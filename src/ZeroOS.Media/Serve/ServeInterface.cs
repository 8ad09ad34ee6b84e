using System.Net;
using System.Net.Sockets;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Media.Serve;

/// <summary>The interface that is served: its number, its own address and networks, the largest packet.</summary>
internal sealed class ServeInterface : IDisposable
{
    private readonly RouteSocket _route;
    private readonly IPNetwork[] _networks;

    private ServeInterface(RouteSocket route, Link link, IReadOnlyList<InterfaceAddress> addresses)
    {
        (_route, Link) = (route, link);
        _networks = [.. addresses.Select(a => Prefixes.Truncate(a.Address, a.PrefixLength))];
        Address = addresses.OrderBy(a => a.IsLinkLocal).First().Address;
    }

    /// <summary>As the kernel tells it.</summary>
    public Link Link { get; }

    /// <summary>Its first IPv4 address: computers are sent there.</summary>
    public IPAddress Address { get; }

    /// <summary>Looks it up.</summary>
    /// <exception cref="MediaException">There is none of that name, it is down, or it has no IPv4 address.</exception>
    public static ServeInterface Open(string name)
    {
        RouteSocket route = new();
        try
        {
            IReadOnlyList<Link> links = route.Links();
            Link link = links.FirstOrDefault(l => l.Name == name) ?? throw new MediaException(
                $"this computer has no interface \"{name}\"; it has "
                + $"{string.Join(", ", links.Where(l => l.IsEthernet && !l.IsLoopback).Select(l => l.Name).Order(StringComparer.Ordinal))}");
            if (!link.IsEthernet || link.IsLoopback)
                throw new MediaException($"{name} is no Ethernet; computers boot from a wired network");
            if (!link.IsUp)
                throw new MediaException($"{name} is down; ip link set {name} up");
            InterfaceAddress[] addresses = [.. route.Addresses().Where(a => a.Link == link.Index && a.Address.AddressFamily == AddressFamily.InterNetwork)];
            if (addresses.Length == 0)
                throw new MediaException(
                    $"{name} has no IPv4 address yet, and computers have to be sent to one; wait for DHCP, or ip addr add ADDRESS/PREFIX dev {name}");
            return new ServeInterface(route, link, addresses);
        }
        catch
        {
            route.Dispose();
            throw;
        }
    }

    /// <summary>An address of the interface's own networks.</summary>
    public bool IsNear(IPAddress address) => _networks.Any(n => n.Contains(address));

    /// <summary>The card that answers at an address, as the ARP table has it; null when it has not.</summary>
    public MacAddress? CardOf(IPAddress address)
    {
        lock (_route)
            return _route.Neighbors().FirstOrDefault(n => n.Link == Link.Index && n.Address.Equals(address))?.Mac;
    }

    /// <inheritdoc/>
    public void Dispose() => _route.Dispose();
}
