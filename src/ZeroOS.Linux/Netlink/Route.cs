using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Linux.Netlink;

/// <summary>A unicast route of the main table (struct rtmsg).</summary>
public sealed record Route
{
    internal const int FixedBytes = 12;
    private const int RTA_DST = 1, RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PRIORITY = 6, RTA_PREFSRC = 7, RTA_TABLE = 15;
    private const byte RTN_UNICAST = 1;

    /// <summary>The main table.</summary>
    public const int MainTable = 254;

    /// <summary>Destination; 0.0.0.0/0 or ::/0 is the default route.</summary>
    public required IPNetwork Destination { get; init; }

    /// <summary>Next hop, or null when on-link.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>Index of the interface it leaves by.</summary>
    public int Link { get; init; }

    /// <summary>The smaller one wins.</summary>
    public int Metric { get; init; }

    /// <summary>Source address for what the node itself sends.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>Who made it (RTPROT_*): 2 kernel, 9 router advertisement, 16 DHCP.</summary>
    public byte Protocol { get; init; } = RouteProtocol.Static;

    /// <summary>The next hop is on the link even if no prefix says so.</summary>
    public bool GatewayOnLink { get; init; }

    /// <summary>Routing table.</summary>
    public int Table { get; init; } = MainTable;

    /// <summary>Leads everywhere.</summary>
    public bool IsDefault => Destination.PrefixLength == 0;

    /// <summary>Reads the body of RTM_NEWROUTE or RTM_DELROUTE; others than unicast are none.</summary>
    public static bool TryRead(in NetlinkMessage message, out Route route)
    {
        route = new Route { Destination = new IPNetwork(IPAddress.Any, 0) };
        if (message.Type is not (RouteSocket.RTM_NEWROUTE or RouteSocket.RTM_DELROUTE) || message.Body.Length < FixedBytes || message.Body[7] != RTN_UNICAST)
            return false;
        int bytes = RouteSocket.AddressBytes(message.Body[0]);
        int prefix = message.Body[1];
        if (bytes == 0 || prefix > bytes * 8)
            return false;
        IPAddress destination = bytes == 4 ? IPAddress.Any : IPAddress.IPv6Any;
        int table = message.Body[4];
        AttributeReader attributes = new(message.Body[FixedBytes..]);
        while (attributes.TryNext(out int type, out ReadOnlySpan<byte> value))
        {
            switch (type)
            {
                case RTA_DST when value.Length == bytes: destination = new IPAddress(value); break;
                case RTA_GATEWAY when value.Length == bytes: route = route with { Gateway = new IPAddress(value) }; break;
                case RTA_PREFSRC when value.Length == bytes: route = route with { Source = new IPAddress(value) }; break;
                case RTA_OIF: route = route with { Link = (int)AttributeReader.U32(value) }; break;
                case RTA_PRIORITY: route = route with { Metric = (int)AttributeReader.U32(value) }; break;
                case RTA_TABLE: table = (int)AttributeReader.U32(value); break;
            }
        }
        // IPNetwork throws on bits behind the prefix, and these bytes are foreign.
        route = route with { Destination = Prefixes.Truncate(destination, prefix), Table = table, Protocol = message.Body[5] };
        return true;
    }

    internal void Write(NetlinkWriter writer, int operation, NetlinkFlags flags)
    {
        const byte RT_SCOPE_LINK = 253, RTNH_F_ONLINK = 4;
        bool v4 = Destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        byte scope = v4 && Gateway is null ? RT_SCOPE_LINK : (byte)0;
        writer.Begin(operation, flags).Fixed([RouteSocket.Family(Destination.BaseAddress), (byte)Destination.PrefixLength, 0, 0,
            (byte)(Table < 256 ? Table : 0), Protocol, scope, RTN_UNICAST, GatewayOnLink ? RTNH_F_ONLINK : (byte)0, 0, 0, 0]);
        if (!IsDefault)
            writer.Attribute(RTA_DST, Destination.BaseAddress.GetAddressBytes());
        if (Gateway is not null)
            writer.Attribute(RTA_GATEWAY, Gateway.GetAddressBytes());
        if (Source is not null)
            writer.Attribute(RTA_PREFSRC, Source.GetAddressBytes());
        if (Link != 0)
            writer.U32(RTA_OIF, (uint)Link);
        if (Metric != 0)
            writer.U32(RTA_PRIORITY, (uint)Metric);
        writer.U32(RTA_TABLE, (uint)Table);
    }
}

/// <summary>Who made a route (linux/rtnetlink.h, RTPROT_*).</summary>
public static class RouteProtocol
{
    /// <summary>The kernel, from an address.</summary>
    public const byte Kernel = 2;

    /// <summary>An administrator: us.</summary>
    public const byte Static = 4;

    /// <summary>The kernel, from a router advertisement.</summary>
    public const byte RouterAdvertisement = 9;

    /// <summary>A DHCP lease.</summary>
    public const byte Dhcp = 16;
}
