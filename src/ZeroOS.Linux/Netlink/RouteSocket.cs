using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Linux.Netlink;

/// <summary>Links, addresses, routes and neighbours of one network namespace, over rtnetlink(7).</summary>
public sealed class RouteSocket : IDisposable
{
    internal const int RTM_NEWLINK = 16, RTM_DELLINK = 17, RTM_GETLINK = 18, RTM_SETLINK = 19, RTM_NEWADDR = 20, RTM_DELADDR = 21, RTM_GETADDR = 22,
        RTM_NEWROUTE = 24, RTM_DELROUTE = 25, RTM_GETROUTE = 26, RTM_NEWNEIGH = 28, RTM_DELNEIGH = 29, RTM_GETNEIGH = 30;
    private const int IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_LINK = 5, IFLA_MASTER = 10, IFLA_LINKINFO = 18,
        IFLA_IFALIAS = 20, IFLA_NET_NS_FD = 28;
    private const int IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, VETH_INFO_PEER = 1, IFLA_VLAN_ID = 1, IFLA_BR_STP_STATE = 5, IFLA_BR_MCAST_SNOOPING = 23;
    private const int IFLA_INFO_SLAVE_KIND = 4, IFLA_INFO_SLAVE_DATA = 5, IFLA_BRPORT_LEARNING = 8, IFLA_BRPORT_UNICAST_FLOOD = 9;
    private const int NDA_LLADDR = 2, NUD_NOARP = 64, NTF_MASTER = 4, AF_BRIDGE = 7;
    private const int IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_BROADCAST = 4;
    private const int IFF_UP = 1, NameBytes = 15;
    private const NetlinkFlags Make = NetlinkFlags.Request | NetlinkFlags.Ack | NetlinkFlags.Create | NetlinkFlags.Exclusive;
    private const NetlinkFlags Put = NetlinkFlags.Request | NetlinkFlags.Ack | NetlinkFlags.Create | NetlinkFlags.Replace;
    private const NetlinkFlags Do = NetlinkFlags.Request | NetlinkFlags.Ack;
    private const NetlinkFlags Ask = NetlinkFlags.Request | NetlinkFlags.Dump;
    private readonly NetlinkSocket _socket = new(NetlinkProtocol.Route);

    /// <summary>Every link of the namespace.</summary>
    public IReadOnlyList<Link> Links() =>
        _socket.Dump<Link>(() => new NetlinkWriter().Begin(RTM_GETLINK, Ask).Fixed(new byte[Link.FixedBytes]), Link.TryRead, "links");

    /// <summary>The link of that name, or null.</summary>
    public Link? FindLink(string name) => Links().FirstOrDefault(l => l.Name == name);

    /// <summary>The link of that name.</summary>
    /// <exception cref="LinuxException">ENODEV when there is none.</exception>
    public Link GetLink(string name) => FindLink(name) ?? throw new LinuxException(Errno.ENODEV, "find link", name);

    /// <summary>Makes a bridge without spanning tree and multicast snooping.</summary>
    public void CreateBridge(string name, MacAddress mac) =>
        Execute(New(name).Attribute(IFLA_ADDRESS, mac.ToBytes()).Nest(IFLA_LINKINFO, info => info.Text(IFLA_INFO_KIND, "bridge")
            .Nest(IFLA_INFO_DATA, data => data.U32(IFLA_BR_STP_STATE, 0).Attribute(IFLA_BR_MCAST_SNOOPING, [0]))), "create bridge", name);

    /// <summary>Makes a virtual cable; the peer end appears in <paramref name="peerNamespace"/>, or here if that is null.</summary>
    public void CreateVeth(string name, string peer, FileDescriptor? peerNamespace = null) =>
        Execute(New(name).Nest(IFLA_LINKINFO, info => info.Text(IFLA_INFO_KIND, "veth").Nest(IFLA_INFO_DATA, data => data.Nest(VETH_INFO_PEER, end =>
        {
            end.Fixed(new byte[Link.FixedBytes]).Text(IFLA_IFNAME, Checked(peer));
            if (peerNamespace is not null)
                end.U32(IFLA_NET_NS_FD, (uint)peerNamespace.Number);
        }))), "create veth", name);

    /// <summary>Makes an 802.1Q interface on top of <paramref name="parent"/>.</summary>
    public void CreateVlan(string name, int parent, int id) =>
        Execute(New(name).U32(IFLA_LINK, (uint)parent).Nest(IFLA_LINKINFO, info => info.Text(IFLA_INFO_KIND, "vlan")
            .Nest(IFLA_INFO_DATA, data => data.Attribute(IFLA_VLAN_ID, [(byte)id, (byte)(id >> 8)]))), "create vlan", name);

    /// <summary>Changes what <paramref name="change"/> says and leaves the rest.</summary>
    public void ChangeLink(int index, LinkChange change)
    {
        NetlinkWriter writer = new NetlinkWriter().Begin(RTM_NEWLINK, Do).Fixed(Head(index, change.Up));
        if (change.Name is { } name)
            writer.Text(IFLA_IFNAME, Checked(name));
        if (change.Mac is { } mac)
            writer.Attribute(IFLA_ADDRESS, mac.ToBytes());
        if (change.Mtu is { } mtu)
            writer.U32(IFLA_MTU, (uint)mtu);
        if (change.Master is { } master)
            writer.U32(IFLA_MASTER, (uint)master);
        if (change.Alias is { } alias)
            writer.Text(IFLA_IFALIAS, alias);
        if (change.Namespace is { } destination)
            writer.U32(IFLA_NET_NS_FD, (uint)destination.Number);
        if (change.Learns is { } learns)
        {
            byte on = learns ? (byte)1 : (byte)0;
            writer.Nest(IFLA_LINKINFO, info => info.Text(IFLA_INFO_SLAVE_KIND, "bridge")
                .Nest(IFLA_INFO_SLAVE_DATA, data => data.Attribute(IFLA_BRPORT_LEARNING, [on]).Attribute(IFLA_BRPORT_UNICAST_FLOOD, [on])));
        }
        Execute(writer, "change link", $"{index}");
    }

    /// <summary>Deletes a link; one that is gone already is no error.</summary>
    public void DeleteLink(int index) =>
        ExecuteUnless(Errno.ENODEV, new NetlinkWriter().Begin(RTM_DELLINK, Do).Fixed(Head(index, null)), "delete link", $"{index}");

    /// <summary>Every address of the namespace, IPv4 and IPv6.</summary>
    public IReadOnlyList<InterfaceAddress> Addresses() =>
        _socket.Dump<InterfaceAddress>(() => new NetlinkWriter().Begin(RTM_GETADDR, Ask).Fixed(new byte[InterfaceAddress.FixedBytes]),
            InterfaceAddress.TryRead, "addresses");

    /// <summary>Gives a link an address; one that it has already stays.</summary>
    public void PutAddress(int link, IPAddress address, int prefixLength)
    {
        NetlinkWriter writer = AddressRequest(RTM_NEWADDR, Put, link, address, prefixLength);
        if (address.AddressFamily == AddressFamily.InterNetwork && prefixLength < 31)
            writer.Attribute(IFA_BROADCAST, Prefixes.Last(Prefixes.Truncate(address, prefixLength)).GetAddressBytes());
        Execute(writer, "add address", $"{address}/{prefixLength}");
    }

    /// <summary>Takes an address away; one that is gone already is no error.</summary>
    public void DeleteAddress(int link, IPAddress address, int prefixLength) =>
        ExecuteUnless(Errno.EADDRNOTAVAIL, AddressRequest(RTM_DELADDR, Do, link, address, prefixLength), "delete address", $"{address}/{prefixLength}");

    /// <summary>Every unicast route of the main table, IPv4 and IPv6.</summary>
    public IReadOnlyList<Route> Routes() =>
        _socket.Dump<Route>(() => new NetlinkWriter().Begin(RTM_GETROUTE, Ask).Fixed(new byte[Route.FixedBytes]), Route.TryRead, "routes")
        .FindAll(r => r.Table == Route.MainTable);

    /// <summary>Makes a route, or replaces the one with the same destination and metric.</summary>
    public void PutRoute(Route route)
    {
        NetlinkWriter writer = new();
        route.Write(writer, RTM_NEWROUTE, Put);
        Execute(writer, "add route", $"{route.Destination}");
    }

    /// <summary>Deletes a route; one that is gone already is no error.</summary>
    public void DeleteRoute(Route route)
    {
        NetlinkWriter writer = new();
        route.Write(writer, RTM_DELROUTE, Do);
        ExecuteUnless(Errno.ESRCH, writer, "delete route", $"{route.Destination}");
    }

    /// <summary>The ARP and ND tables.</summary>
    public IReadOnlyList<Neighbor> Neighbors() =>
        _socket.Dump<Neighbor>(() => new NetlinkWriter().Begin(RTM_GETNEIGH, Ask).Fixed(new byte[Neighbor.FixedBytes]), Neighbor.TryRead, "neighbours");

    /// <summary>Makes or replaces a neighbour.</summary>
    public void PutNeighbor(Neighbor neighbor)
    {
        NetlinkWriter writer = new();
        neighbor.Write(writer, RTM_NEWNEIGH, Put);
        Execute(writer, "add neighbour", $"{neighbor.Address}");
    }

    /// <summary>Tells a bridge that an Ethernet address is behind a port of it, for as long as the port is there.</summary>
    public void PutBridgeAddress(int port, MacAddress mac)
    {
        byte[] head = new byte[Neighbor.FixedBytes];
        head[0] = AF_BRIDGE;
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), port);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), NUD_NOARP);
        head[10] = NTF_MASTER;
        Execute(new NetlinkWriter().Begin(RTM_NEWNEIGH, Put).Fixed(head).Attribute(NDA_LLADDR, mac.ToBytes()), "add bridge address", $"{mac}");
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    internal static int AddressBytes(byte family) => family switch { 2 => 4, 10 => 16, _ => 0 };

    internal static byte Family(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? (byte)2 : (byte)10;

    private static NetlinkWriter AddressRequest(int operation, NetlinkFlags flags, int link, IPAddress address, int prefixLength)
    {
        byte[] head = new byte[InterfaceAddress.FixedBytes];
        head[0] = Family(address);
        head[1] = (byte)prefixLength;
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), link);
        return new NetlinkWriter().Begin(operation, flags).Fixed(head)
            .Attribute(IFA_LOCAL, address.GetAddressBytes()).Attribute(IFA_ADDRESS, address.GetAddressBytes());
    }

    private static NetlinkWriter New(string name) =>
        new NetlinkWriter().Begin(RTM_NEWLINK, Make).Fixed(new byte[Link.FixedBytes]).Text(IFLA_IFNAME, Checked(name));

    private static byte[] Head(int index, bool? up)
    {
        byte[] head = new byte[Link.FixedBytes];
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), index);
        if (up is { } wanted)
        {
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), wanted ? IFF_UP : 0);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), IFF_UP);
        }
        return head;
    }

    private static string Checked(string name) =>
        name.Length is > 0 and <= NameBytes ? name : throw new ArgumentException($"interface name \"{name}\": 1 to {NameBytes} bytes fit", nameof(name));

    private void Execute(NetlinkWriter writer, string operation, string subject) => _socket.Execute(writer, operation, subject);

    private void ExecuteUnless(Errno done, NetlinkWriter writer, string operation, string subject)
    {
        try
        {
            _socket.Execute(writer, operation, subject);
        }
        catch (LinuxException e) when (e.Errno == done)
        {
            // What is wanted gone is gone.
        }
    }
}
