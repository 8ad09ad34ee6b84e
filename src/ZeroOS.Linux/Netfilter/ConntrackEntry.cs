using System.Buffers.Binary;
using System.Net;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.Netfilter;

/// <summary>One IPv4 connection that the kernel remembers (nf_conntrack), as far as its addresses go.</summary>
public sealed record ConntrackEntry
{
    private const int CTA_TUPLE_ORIG = 1, CTA_TUPLE_REPLY = 2, CTA_ID = 12, CTA_TUPLE_IP = 1, CTA_TUPLE_PROTO = 2, CTA_IP_V4_SRC = 1, CTA_IP_V4_DST = 2,
        CTA_PROTO_NUM = 1, CTA_PROTO_SRC_PORT = 2, CTA_PROTO_DST_PORT = 3;
    private const int FixedBytes = 4, AF_INET = 2;

    /// <summary>Protocol number: 6 TCP, 17 UDP, 1 ICMP.</summary>
    public byte Protocol { get; init; }

    /// <summary>Who began it, as the first packet said.</summary>
    public IPEndPoint Source { get; init; } = new(IPAddress.Any, 0);

    /// <summary>Where its first packet was sent, before any translation.</summary>
    public IPEndPoint Destination { get; init; } = new(IPAddress.Any, 0);

    /// <summary>Who answers: the destination after translation.</summary>
    public IPEndPoint ReplySource { get; init; } = new(IPAddress.Any, 0);

    /// <summary>Where answers are sent: the source after translation.</summary>
    public IPEndPoint ReplyDestination { get; init; } = new(IPAddress.Any, 0);

    /// <summary>The original tuple as the kernel said it, to name the connection by.</summary>
    internal ReadOnlyMemory<byte> Original { get; init; }

    /// <summary>The kernel's number of this very connection.</summary>
    internal ReadOnlyMemory<byte> Id { get; init; }

    /// <summary>Reads the body of IPCTNL_MSG_CT_NEW; false for what is no IPv4 connection.</summary>
    public static bool TryRead(in NetlinkMessage message, out ConntrackEntry entry)
    {
        entry = new ConntrackEntry();
        if (message.Type != ((ConntrackSocket.NFNL_SUBSYS_CTNETLINK << 8) | ConntrackSocket.IPCTNL_MSG_CT_NEW) || message.Body.Length < FixedBytes
            || message.Body[0] != AF_INET)
            return false;
        AttributeReader attributes = new(message.Body[FixedBytes..]);
        while (attributes.TryNext(out int type, out ReadOnlySpan<byte> value))
        {
            if (type == CTA_ID)
                entry = entry with { Id = value.ToArray() };
            if (type is not (CTA_TUPLE_ORIG or CTA_TUPLE_REPLY) || !TryReadTuple(value, out byte protocol, out IPEndPoint source, out IPEndPoint destination))
                continue;
            entry = type == CTA_TUPLE_ORIG
                ? entry with { Protocol = protocol, Source = source, Destination = destination, Original = value.ToArray() }
                : entry with { ReplySource = source, ReplyDestination = destination };
        }
        return entry.Original.Length > 0;
    }

    private static bool TryReadTuple(ReadOnlySpan<byte> tuple, out byte protocol, out IPEndPoint source, out IPEndPoint destination)
    {
        protocol = 0;
        (IPAddress? from, IPAddress? to, int fromPort, int toPort) = (null, null, 0, 0);
        AttributeReader parts = new(tuple);
        while (parts.TryNext(out int part, out ReadOnlySpan<byte> inside))
        {
            AttributeReader fields = new(inside);
            while (fields.TryNext(out int type, out ReadOnlySpan<byte> value))
            {
                switch ((part, type, value.Length))
                {
                    case (CTA_TUPLE_IP, CTA_IP_V4_SRC, 4): from = new IPAddress(value); break;
                    case (CTA_TUPLE_IP, CTA_IP_V4_DST, 4): to = new IPAddress(value); break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_NUM, 1): protocol = value[0]; break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT, 2): fromPort = BinaryPrimitives.ReadUInt16BigEndian(value); break;
                    case (CTA_TUPLE_PROTO, CTA_PROTO_DST_PORT, 2): toPort = BinaryPrimitives.ReadUInt16BigEndian(value); break;
                }
            }
        }
        source = new IPEndPoint(from ?? IPAddress.Any, fromPort);
        destination = new IPEndPoint(to ?? IPAddress.Any, toPort);
        return from is not null && to is not null;
    }
}
