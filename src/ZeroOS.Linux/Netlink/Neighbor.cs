using System.Buffers.Binary;
using System.Net;

namespace ZeroOS.Linux.Netlink;

/// <summary>An entry of the ARP or ND table (struct ndmsg).</summary>
public sealed record Neighbor(int Link, IPAddress Address, MacAddress? Mac, int State)
{
    internal const int FixedBytes = 12;
    private const int NDA_DST = 1, NDA_LLADDR = 2;

    /// <summary>NUD_PERMANENT: never expires.</summary>
    public const int Permanent = 0x80;

    /// <summary>Reads the body of RTM_NEWNEIGH or RTM_DELNEIGH.</summary>
    public static bool TryRead(in NetlinkMessage message, out Neighbor neighbor)
    {
        neighbor = new Neighbor(0, IPAddress.None, null, 0);
        if (message.Type is not (RouteSocket.RTM_NEWNEIGH or RouteSocket.RTM_DELNEIGH) || message.Body.Length < FixedBytes)
            return false;
        int bytes = RouteSocket.AddressBytes(message.Body[0]);
        IPAddress? address = null;
        MacAddress? mac = null;
        AttributeReader attributes = new(message.Body[FixedBytes..]);
        while (attributes.TryNext(out int type, out ReadOnlySpan<byte> value))
        {
            if (type == NDA_DST && value.Length == bytes)
                address = new IPAddress(value);
            else if (type == NDA_LLADDR && value.Length == MacAddress.Bytes)
                mac = new MacAddress(value);
        }
        if (bytes == 0 || address is null)
            return false;
        neighbor = new Neighbor(BinaryPrimitives.ReadInt32LittleEndian(message.Body[4..]), address, mac,
            BinaryPrimitives.ReadUInt16LittleEndian(message.Body[8..]));
        return true;
    }

    internal void Write(NetlinkWriter writer, int operation, NetlinkFlags flags)
    {
        byte[] head = new byte[FixedBytes];
        head[0] = RouteSocket.Family(Address);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), Link);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), (ushort)State);
        writer.Begin(operation, flags).Fixed(head).Attribute(NDA_DST, Address.GetAddressBytes());
        if (Mac is { } mac)
            writer.Attribute(NDA_LLADDR, mac.ToBytes());
    }
}
