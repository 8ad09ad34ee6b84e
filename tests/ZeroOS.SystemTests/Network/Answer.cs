using System.Globalization;
using System.Net;

namespace ZeroOS.SystemTests.Network;

/// <summary>A packet the node sent while it was scanned, as far as a scanner looks into it.</summary>
/// <param name="From">The node's address it came from.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Its source port, for TCP and UDP; for ICMP its type.</param>
/// <param name="ToPort">Its destination port, for TCP and UDP: what the node says on its own account goes to another one than the scanner's.</param>
/// <param name="Flags">TCP's flags; 0 otherwise.</param>
/// <param name="About">For an error of ICMP: the port that the packet it is about was for, if that was TCP or UDP; 0 otherwise.</param>
internal readonly record struct Answer(IPAddress From, byte Protocol, int Port, int ToPort, byte Flags, int About = 0)
{
    private const byte Syn = 0x02, Reset = 0x04;
    private const int Unreachable = 3, IcmpHead = 8;

    /// <summary>The node's word that what is behind a port cannot be reached (RFC 792, destination unreachable).</summary>
    public bool IsUnreachable => Protocol == Probe.Icmp && Port == Unreachable;

    /// <summary>Something listens there: it accepts the connection, or it answers a datagram.</summary>
    public bool Open => Protocol == Probe.Udp || (Protocol == Probe.Tcp && (Flags & (Syn | Reset)) == Syn);

    /// <summary>For messages: "tcp 8051 at 10.0.2.15".</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Protocol switch { Probe.Tcp => "tcp", Probe.Udp => "udp", Probe.Icmp => "icmp type", Probe.Icmp6 => "icmpv6 type", _ => $"protocol {Protocol}" }} "
        + $"{Port}{((Flags & Reset) != 0 ? " reset" : "")}{(About > 0 ? $" about {About}" : "")} at {From}");

    /// <summary>Reads an IPv4 or IPv6 packet; null for what is neither.</summary>
    public static Answer? Read(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < 20)
            return null;
        bool six = packet[0] >> 4 == 6;
        int head = six ? 40 : (packet[0] & 15) * 4;
        if (packet.Length < head + 4)
            return null;
        byte protocol = six ? packet[6] : packet[9];
        IPAddress from = new(six ? packet.Slice(8, 16) : packet.Slice(12, 4));
        ReadOnlySpan<byte> payload = packet[head..];
        return protocol switch
        {
            Probe.Tcp when payload.Length >= 20 => new Answer(from, protocol, (payload[0] << 8) | payload[1], (payload[2] << 8) | payload[3], payload[13]),
            Probe.Udp => new Answer(from, protocol, (payload[0] << 8) | payload[1], (payload[2] << 8) | payload[3], 0),
            Probe.Icmp when payload[0] == Unreachable && payload.Length > IcmpHead =>
                new Answer(from, protocol, payload[0], 0, 0, TargetOf(payload[IcmpHead..])),
            _ => new Answer(from, protocol, payload[0], 0, 0),
        };
    }

    private static int TargetOf(ReadOnlySpan<byte> packet) => Read(packet) is { Protocol: Probe.Tcp or Probe.Udp } about ? about.ToPort : 0;
}
