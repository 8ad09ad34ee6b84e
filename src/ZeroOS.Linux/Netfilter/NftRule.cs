using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.Netfilter;

/// <summary>
/// One rule, written as it reads: matches first, one verdict last. <c>new NftRule().From("v*").To(privateNets).Reject()</c>. Each call appends the
/// kernel's expressions (linux/netfilter/nf_tables.h), the same as the nft tool makes of the same words.
/// </summary>
public sealed partial class NftRule
{
    /// <summary>Bytes of an interface name with its zeros (IFNAMSIZ).</summary>
    internal const int InterfaceNameBytes = 16;

    private const int MetaInputName = 6, MetaOutputName = 7, MetaUid = 10, MetaGid = 11, MetaNfproto = 15, MetaL4Proto = 16;
    private const int LinkHeader = 0, NetworkHeader = 1, TransportHeader = 2;
    private const byte TcpSyn = 2, TcpAck = 16;
    private const byte Tcp = 6, Udp = 17, Icmp = 1, IcmpV6 = 58, ProtoIpv4 = 2, ProtoIpv6 = 10;
    private readonly List<Action<NetlinkWriter>> _expressions = [];
    private byte _nfproto, _l4;
    private ushort _etherType;

    /// <summary>Comes in by an interface; "v*" means every name that starts with v.</summary>
    public NftRule From(string link) => Meta(MetaInputName).Compare(NamePattern(link));

    /// <summary>Comes in by any other interface.</summary>
    public NftRule NotFrom(string link) => Meta(MetaInputName).Compare(NamePattern(link), equal: false);

    /// <summary>Comes in by an interface of the set.</summary>
    public NftRule From(NftSet links) => Meta(MetaInputName).Lookup(links);

    /// <summary>Goes out by an interface.</summary>
    public NftRule Out(string link) => Meta(MetaOutputName).Compare(NamePattern(link));

    /// <summary>Goes out by an interface of the set.</summary>
    public NftRule Out(NftSet links) => Meta(MetaOutputName).Lookup(links);

    /// <summary>Goes out by any other interface.</summary>
    public NftRule NotOut(string link) => Meta(MetaOutputName).Compare(NamePattern(link), equal: false);

    /// <summary>Sent by a process of that user.</summary>
    public NftRule Uid(uint uid) => Number(MetaUid, uid);

    /// <summary>Sent by a process of that group.</summary>
    public NftRule Gid(uint gid) => Number(MetaGid, gid);

    /// <summary>IPv4 source in the prefix.</summary>
    public NftRule Source(IPNetwork prefix) => Ipv4().Address(12, prefix);

    /// <summary>Source in a set of prefixes.</summary>
    public NftRule Source(NftSet prefixes) =>
        prefixes.KeyBytes == 4 ? Ipv4().Payload(NetworkHeader, 12, 4).Lookup(prefixes) : Ipv6().Payload(NetworkHeader, 8, 16).Lookup(prefixes);

    /// <summary>IPv4 source other than this.</summary>
    public NftRule SourceNot(IPAddress address) => Ipv4().Payload(NetworkHeader, 12, 4).Compare(address.GetAddressBytes(), equal: false);

    /// <summary>Destination in the prefix.</summary>
    public NftRule To(IPNetwork prefix) =>
        prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? Ipv4().Address(16, prefix) : Ipv6().Address(24, prefix);

    /// <summary>Destination is this address.</summary>
    public NftRule To(IPAddress address) => To(new IPNetwork(address, address.GetAddressBytes().Length * 8));

    /// <summary>Destination in a set of prefixes.</summary>
    public NftRule To(NftSet prefixes) =>
        prefixes.KeyBytes == 4 ? Ipv4().Payload(NetworkHeader, 16, 4).Lookup(prefixes) : Ipv6().Payload(NetworkHeader, 24, 16).Lookup(prefixes);

    /// <summary>Destination is an address of this namespace.</summary>
    public NftRule ToHere() => DestinationType(equal: true, 2);

    /// <summary>Destination is no unicast address: broadcast, multicast, unroutable, or here.</summary>
    public NftRule ToNoUnicast() => DestinationType(equal: false, 1);

    /// <summary>TCP, to a port.</summary>
    public NftRule TcpTo(int port) => L4(Tcp).Port(2, port);

    /// <summary>TCP, from a port.</summary>
    public NftRule TcpFrom(int port) => L4(Tcp).Port(0, port);

    /// <summary>TCP, whatever its ports.</summary>
    public NftRule AnyTcp() => L4(Tcp);

    /// <summary>UDP, whatever its ports.</summary>
    public NftRule AnyUdp() => L4(Udp);

    /// <summary>A TCP segment that opens a connection: it has SYN and no ACK.</summary>
    public NftRule TcpOpens() => L4(Tcp).Payload(TransportHeader, 13, 1).Mask([TcpSyn | TcpAck]).Compare([TcpSyn]);

    /// <summary>A TCP segment that does not open a connection.</summary>
    public NftRule TcpOpensNothing() => L4(Tcp).Payload(TransportHeader, 13, 1).Mask([TcpSyn | TcpAck]).Compare([TcpSyn], equal: false);

    /// <summary>UDP, to a port.</summary>
    public NftRule UdpTo(int port) => L4(Udp).Port(2, port);

    /// <summary>UDP, to one of the ports from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public NftRule UdpTo(int first, int last) => L4(Udp).Ports(2, first, last);

    /// <summary>UDP, from a port.</summary>
    public NftRule UdpFrom(int port) => L4(Udp).Port(0, port);

    /// <summary>UDP, from one of the ports from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public NftRule UdpFrom(int first, int last) => L4(Udp).Ports(0, first, last);

    /// <summary>An ICMP message of IPv4 by its type.</summary>
    public NftRule IcmpType(byte type) => Ipv4().L4(Icmp).Payload(TransportHeader, 0, 1).Compare([type]);

    /// <summary>An ICMPv6 message by its type; <paramref name="fromLink"/>: its hop limit proves that no router passed it on (RFC 4861).</summary>
    public NftRule Icmp6Type(byte type, bool fromLink)
    {
        Ipv6().L4(IcmpV6).Payload(TransportHeader, 0, 1).Compare([type]);
        return fromLink ? Payload(NetworkHeader, 7, 1).Compare([255]) : this;
    }

    /// <summary>An ICMP error of IPv4 that says "port unreachable", or that of IPv6.</summary>
    public NftRule PortUnreachable(bool v6) => (v6 ? Ipv6().L4(IcmpV6) : Ipv4().L4(Icmp)).Payload(TransportHeader, 0, 2).Compare(v6 ? [1, 4] : [3, 3]);

    /// <summary>Belongs to a connection that was let through, or is an error about one.</summary>
    public NftRule Established() => Conntrack(0, 2 | 4);

    /// <summary>Makes no sense to connection tracking.</summary>
    public NftRule Invalid() => Conntrack(0, 1);

    /// <summary>Opens a connection.</summary>
    public NftRule New() => Conntrack(0, 8);

    /// <summary>Was exempted from connection tracking by <see cref="NoTrack"/>.</summary>
    public NftRule Untracked() => Conntrack(0, 64);

    /// <summary>Belongs to a connection whose destination we translated.</summary>
    public NftRule Translated() => Conntrack(2, 0x20);

    /// <summary>Ethernet source other than this.</summary>
    public NftRule EtherSourceNot(MacAddress mac) => Payload(LinkHeader, 6, 6).Compare(mac.ToBytes(), equal: false);

    /// <summary>EtherType of the frame; a tagged frame has its tag's.</summary>
    public NftRule EtherType(ushort type)
    {
        _etherType = type;
        return Payload(LinkHeader, 12, 2).Compare([(byte)(type >> 8), (byte)type]);
    }

    /// <summary>The ARP sender's Ethernet address is another than this.</summary>
    public NftRule ArpSenderNot(MacAddress mac) => EtherType(0x0806).Payload(NetworkHeader, 8, 6).Compare(mac.ToBytes(), equal: false);

    /// <summary>The ARP sender's IPv4 address is another than this.</summary>
    public NftRule ArpSenderNot(IPAddress address) => EtherType(0x0806).Payload(NetworkHeader, 14, 4).Compare(address.GetAddressBytes(), equal: false);

    /// <summary>At most so many per second; the rest does not match.</summary>
    public NftRule AtMost(int perSecond) => Append("limit", e => e.U64Big(1, (ulong)perSecond).U64Big(2, 1).U32Big(3, 5).U32Big(4, 0).U32Big(5, 0));

    /// <summary>
    /// More than so many new packets per second of one key, after <paramref name="burst"/> at once. <paramref name="set"/> (<see cref="NftTable.Dynamic"/>)
    /// keeps a counter per key; when it is full, further keys do not match.
    /// </summary>
    public NftRule RateOver(NftKey key, NftSet set, int perSecond, int burst) =>
        Counted(key, set, update: true, "limit", e => e.U64Big(1, (ulong)perSecond).U64Big(2, 1).U32Big(3, (uint)burst).U32Big(4, 0).U32Big(5, 1));

    /// <summary>More than so many tracked connections of one key; closed ones that are still remembered are not counted. For new connections only.</summary>
    public NftRule ConnectionsOver(NftKey key, NftSet set, int most) =>
        Counted(key, set, update: false, "connlimit", e => e.U32Big(1, (uint)most).U32Big(2, 1));

    /// <summary>More than so many tracked connections have come by here. For new connections only.</summary>
    public NftRule ConnectionsOver(int most) => Append("connlimit", e => e.U32Big(1, (uint)most).U32Big(2, 1));

    /// <summary>Counts what got here.</summary>
    public NftRule Count() => Append("counter", e => e.U64Big(1, 0).U64Big(2, 0));

    /// <summary>Keeps connection tracking from looking at it; in a chain before it (<see cref="NftTable.Early"/>).</summary>
    public NftRule NoTrack() => Append("notrack", _ => { });

    /// <summary>Lowers the segment size that a TCP connection is opened with to what fits the routes of both directions (RFC 4459, 3.2).</summary>
    public NftRule ClampSegments()
    {
        const int RouteTcpMss = 3, OperationTcpOption = 1, OptionMss = 2;
        L4(Tcp).Payload(TransportHeader, 13, 1).Mask([TcpSyn]).Compare([0], equal: false);
        Append("rt", e => e.U32Big(1, Register).U32Big(2, RouteTcpMss));
        Append("byteorder", e => e.U32Big(1, Register).U32Big(2, Register).U32Big(3, 1).U32Big(4, 2).U32Big(5, 2));
        return Append("exthdr", e => e.Attribute(2, [OptionMss]).U32Big(3, 2).U32Big(4, 2).U32Big(6, OperationTcpOption).U32Big(7, Register));
    }

    /// <summary>Lets it through this chain.</summary>
    public NftRule Accept() => Verdict(1);

    /// <summary>Loses it without a word.</summary>
    public NftRule Drop() => Verdict(0);

    /// <summary>Goes back to the chain that jumped here, or to the base chain's policy.</summary>
    public NftRule Return() => Verdict(-5);

    /// <summary>Goes on in another chain and comes back.</summary>
    public NftRule Jump(NftChain chain) => Verdict(-3, chain.Name);

    /// <summary>Tells the sender that it is prohibited.</summary>
    public NftRule Reject() => Append("reject", e => e.U32Big(1, 2).Attribute(2, [3]));

    /// <summary>Sends the connection to this address, and port if given, instead.</summary>
    public NftRule Redirect(IPAddress address, int? port = null)
    {
        Immediate(1, address.GetAddressBytes());
        if (port is { } p)
            Immediate(2, [(byte)(p >> 8), (byte)p]);
        return Append("nat", e =>
        {
            e.U32Big(1, 1).U32Big(2, ProtoIpv4).U32Big(3, 1);
            if (port is not null)
                e.U32Big(5, 2).U32Big(7, 2);
        });
    }

    /// <summary>Sends the connection from the address of the interface it leaves by.</summary>
    public NftRule Masquerade() => Append("masq", _ => { });

    /// <summary>As <see cref="Masquerade()"/>, from a port between these; a port that is between them already stays.</summary>
    public NftRule Masquerade(int firstPort, int lastPort)
    {
        const int PortsGiven = 2;
        Immediate(1, Big(firstPort));
        Immediate(2, Big(lastPort));
        return Append("masq", e => e.U32Big(1, PortsGiven).U32Big(2, 1).U32Big(3, 2));
    }

    internal void Write(NetlinkWriter list, NftFamily family)
    {
        if (family == NftFamily.Bridge && (_nfproto != 0 || _l4 != 0) && _etherType == 0)
            throw new InvalidOperationException("in a bridge table a match on IP needs the EtherType before it");
        foreach (Action<NetlinkWriter> expression in _expressions)
            expression(list);
    }

    private NftRule Number(uint key, uint number)
    {
        byte[] value = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(value, number);
        return Meta(key).Compare(value);
    }

    private static byte[] NamePattern(string link) =>
        link.EndsWith('*') ? Encoding.ASCII.GetBytes(link[..^1]) : NftSet.InterfaceKey(link);
}
