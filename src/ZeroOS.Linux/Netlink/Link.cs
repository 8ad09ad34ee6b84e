using System.Buffers.Binary;

namespace ZeroOS.Linux.Netlink;

/// <summary>A network interface as rtnetlink(7) tells it.</summary>
public sealed record Link
{
    internal const int FixedBytes = 16;
    private const int IFLA_ADDRESS = 1, IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_MASTER = 10, IFLA_LINKINFO = 18, IFLA_IFALIAS = 20,
        IFLA_CARRIER = 33, IFLA_PERM_ADDRESS = 54;
    private const int IFLA_INFO_KIND = 1;
    private const ushort ARPHRD_ETHER = 1;
    private const uint IFF_UP = 1, IFF_LOOPBACK = 8;

    /// <summary>Number, unique in its namespace.</summary>
    public int Index { get; init; }

    /// <summary>Name, at most 15 bytes.</summary>
    public string Name { get; init; } = "";

    /// <summary>"bridge", "veth", "tun", "vlan"; empty for hardware.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Speaks Ethernet.</summary>
    public bool IsEthernet { get; init; }

    /// <summary>The loopback.</summary>
    public bool IsLoopback { get; init; }

    /// <summary>Set up by an administrator.</summary>
    public bool IsUp { get; init; }

    /// <summary>A cable with a peer.</summary>
    public bool HasCarrier { get; init; }

    /// <summary>Index of the bridge it is in, or 0.</summary>
    public int Master { get; init; }

    /// <summary>Largest packet in bytes.</summary>
    public int Mtu { get; init; }

    /// <summary>Its address now, 6 bytes for Ethernet.</summary>
    public MacAddress Mac { get; init; }

    /// <summary>The address burnt in; its present one if the driver does not tell.</summary>
    public MacAddress PermanentMac { get; init; }

    /// <summary>Free text.</summary>
    public string Alias { get; init; } = "";

    /// <summary>Reads the body of RTM_NEWLINK or RTM_DELLINK.</summary>
    public static bool TryRead(in NetlinkMessage message, out Link link)
    {
        link = new Link();
        if (message.Type is not (RouteSocket.RTM_NEWLINK or RouteSocket.RTM_DELLINK) || message.Body.Length < FixedBytes)
            return false;
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(message.Body[8..]);
        link = link with
        {
            IsEthernet = BinaryPrimitives.ReadUInt16LittleEndian(message.Body[2..]) == ARPHRD_ETHER,
            Index = BinaryPrimitives.ReadInt32LittleEndian(message.Body[4..]),
            IsUp = (flags & IFF_UP) != 0,
            IsLoopback = (flags & IFF_LOOPBACK) != 0,
        };
        MacAddress? permanent = null;
        AttributeReader attributes = new(message.Body[FixedBytes..]);
        while (attributes.TryNext(out int type, out ReadOnlySpan<byte> value))
        {
            switch (type)
            {
                case IFLA_ADDRESS when value.Length == MacAddress.Bytes: link = link with { Mac = new MacAddress(value) }; break;
                case IFLA_PERM_ADDRESS when value.Length == MacAddress.Bytes: permanent = new MacAddress(value); break;
                case IFLA_IFNAME: link = link with { Name = AttributeReader.Text(value) }; break;
                case IFLA_MTU: link = link with { Mtu = (int)AttributeReader.U32(value) }; break;
                case IFLA_MASTER: link = link with { Master = (int)AttributeReader.U32(value) }; break;
                case IFLA_IFALIAS: link = link with { Alias = AttributeReader.Text(value) }; break;
                case IFLA_CARRIER: link = link with { HasCarrier = value.Length > 0 && value[0] != 0 }; break;
                case IFLA_LINKINFO: link = link with { Kind = ReadKind(value) }; break;
            }
        }
        link = link with { PermanentMac = permanent ?? link.Mac };
        return link.Index > 0 && link.Name.Length > 0;
    }

    private static string ReadKind(ReadOnlySpan<byte> info)
    {
        AttributeReader attributes = new(info);
        while (attributes.TryNext(out int type, out ReadOnlySpan<byte> value))
        {
            if (type == IFLA_INFO_KIND)
                return AttributeReader.Text(value);
        }
        return "";
    }
}

/// <summary>What to change of a link; null leaves it.</summary>
public sealed record LinkChange
{
    /// <summary>New name; the link must be down.</summary>
    public string? Name { get; init; }

    /// <summary>Up or down.</summary>
    public bool? Up { get; init; }

    /// <summary>Index of a bridge, 0 to leave it.</summary>
    public int? Master { get; init; }

    /// <summary>Largest packet in bytes.</summary>
    public int? Mtu { get; init; }

    /// <summary>Address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Free text.</summary>
    public string? Alias { get; init; }

    /// <summary>
    /// As a port of a bridge: learns from frames which addresses are behind it, and is sent frames whose addresses nobody learned. Off for a port whose
    /// addresses are told (<see cref="RouteSocket.PutBridgeAddress"/>).
    /// </summary>
    public bool? Learns { get; init; }

    /// <summary>Namespace to move to.</summary>
    public FileDescriptor? Namespace { get; init; }
}
