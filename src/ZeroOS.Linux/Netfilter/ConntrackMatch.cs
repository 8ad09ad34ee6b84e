using System.Net;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.Netfilter;

/// <summary>Which IPv4 connections are meant; what is null or 0 may be anything.</summary>
public sealed record ConntrackMatch
{
    private const int CTA_TUPLE_ORIG = 1, CTA_TUPLE_REPLY = 2, CTA_FILTER = 25, CTA_FILTER_ORIG_FLAGS = 1, CTA_FILTER_REPLY_FLAGS = 2,
        CTA_TUPLE_IP = 1, CTA_TUPLE_PROTO = 2,
        CTA_IP_V4_SRC = 1, CTA_IP_V4_DST = 2, CTA_PROTO_NUM = 1, CTA_PROTO_DST_PORT = 3;

    // The kernel names these bits in no header for programs (net/netfilter/nf_internals.h, CTA_FILTER_F_*).
    private const uint BySource = 1 << 0, ByDestination = 1 << 1, ByProtocol = 1 << 3, ByDestinationPort = 1 << 5;

    /// <summary>Protocol number; needed with a port.</summary>
    public byte Protocol { get; init; }

    /// <summary>Who began it.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>Where its first packet was sent, before any translation.</summary>
    public IPAddress? Destination { get; init; }

    /// <summary>Port its first packet was sent to.</summary>
    public int DestinationPort { get; init; }

    /// <summary>Who answers: the destination after translation.</summary>
    public IPAddress? ReplySource { get; init; }

    /// <summary>Is <paramref name="entry"/> one that is meant.</summary>
    public bool Fits(ConntrackEntry entry) => (Protocol == 0 || Protocol == entry.Protocol) && (Source is null || Source.Equals(entry.Source.Address))
        && (Destination is null || Destination.Equals(entry.Destination.Address)) && (DestinationPort == 0 || DestinationPort == entry.Destination.Port)
        && (ReplySource is null || ReplySource.Equals(entry.ReplySource.Address));

    /// <summary>Asks the kernel to tell only these: a table of hundreds of thousands is not carried over for three.</summary>
    internal void Write(NetlinkWriter writer)
    {
        uint original = (Source is null ? 0 : BySource) | (Destination is null ? 0 : ByDestination) | (Protocol == 0 ? 0 : ByProtocol)
            | (DestinationPort == 0 ? 0 : ByDestinationPort);
        if (original != 0)
        {
            writer.Nest(CTA_TUPLE_ORIG, tuple =>
            {
                if (Source is not null || Destination is not null)
                    tuple.Nest(CTA_TUPLE_IP, ip => Addresses(ip, Source, Destination));
                if (Protocol != 0)
                    tuple.Nest(CTA_TUPLE_PROTO, Ports);
            });
        }
        if (ReplySource is not null)
            writer.Nest(CTA_TUPLE_REPLY, tuple => tuple.Nest(CTA_TUPLE_IP, ip => Addresses(ip, ReplySource, null)));
        writer.Nest(CTA_FILTER, filter => filter.U32(CTA_FILTER_ORIG_FLAGS, original).U32(CTA_FILTER_REPLY_FLAGS, ReplySource is null ? 0 : BySource));
    }

    private static void Addresses(NetlinkWriter writer, IPAddress? source, IPAddress? destination)
    {
        if (source is not null)
            writer.Attribute(CTA_IP_V4_SRC, source.GetAddressBytes());
        if (destination is not null)
            writer.Attribute(CTA_IP_V4_DST, destination.GetAddressBytes());
    }

    private void Ports(NetlinkWriter writer)
    {
        writer.Attribute(CTA_PROTO_NUM, [Protocol]);
        if (DestinationPort != 0)
            writer.Attribute(CTA_PROTO_DST_PORT, [(byte)(DestinationPort >> 8), (byte)DestinationPort]);
    }
}
