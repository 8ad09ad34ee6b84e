namespace ZeroOS.Host.Network;

/// <summary>
/// How long and how much the kernel remembers for others, per namespace: connections, neighbours, fragments. Each of these tables is filled by whoever sends
/// packets; the limits by owner are in <see cref="ConnectionLimits"/>.
/// </summary>
internal static class KernelTables
{
    /// <summary>
    /// Ports the node's own outgoing connections come from. Guests are never translated to one (<see cref="GuestPorts"/>), so an answer to one of them is the
    /// node's and needs no entry in a table that guests share.
    /// </summary>
    internal const int FirstOwnPort = 61000, LastOwnPort = 65535;

    /// <summary>Memory for packets of which parts are missing, per tenant network, in bytes.</summary>
    internal const int FragmentBytes = 1 << 20;

    /// <summary>The fewest connections the root's table has room for, in a node with little memory.</summary>
    internal const int LeastConnections = 32768;

    private const int BytesPerConnection = 16384;

    /// <summary>
    /// Ports that guests' connections come from as the internet sees them; a guest's own port stays where it is one of these, and nobody else has it to that
    /// destination.
    /// </summary>
    internal static readonly (int First, int Last) GuestPorts = (10240, FirstOwnPort - 1);

    /// <summary>How long a connection is remembered without a packet, in seconds. The kernel's own is five days for an open TCP connection.</summary>
    private static readonly (string Key, string Value)[] s_connections =
    [
        // RFC 5382, REQ-5: not below two hours and four minutes for a connection that is open.
        ("netfilter.nf_conntrack_tcp_timeout_established", "7440"),
        ("netfilter.nf_conntrack_tcp_timeout_syn_sent", "60"),
        ("netfilter.nf_conntrack_tcp_timeout_syn_recv", "30"),
        ("netfilter.nf_conntrack_tcp_timeout_fin_wait", "60"),
        ("netfilter.nf_conntrack_tcp_timeout_close_wait", "60"),
        ("netfilter.nf_conntrack_tcp_timeout_last_ack", "30"),
        ("netfilter.nf_conntrack_tcp_timeout_time_wait", "10"),
        ("netfilter.nf_conntrack_tcp_timeout_max_retrans", "240"), // RFC 5382: four minutes for one that is half open
        ("netfilter.nf_conntrack_tcp_timeout_unacknowledged", "240"),
        ("netfilter.nf_conntrack_generic_timeout", "120"),
    ];

    /// <summary>What the root namespace is told before its first packet.</summary>
    internal static readonly IReadOnlyList<(string Key, string Value)> Root =
    [
        .. s_connections,
        ("ipv4.ip_local_port_range", $"{FirstOwnPort} {LastOwnPort}"),
        // The kernel takes the larger of "all" and the card's own: only with 0 here is a cable's 1, strict, not made 2, loose.
        ("ipv4.conf.all.rp_filter", "0"),
        ("ipv4.conf.default.rp_filter", "2"),
        ("ipv4.conf.all.drop_unicast_in_l2_multicast", "1"),
        ("ipv4.conf.default.drop_unicast_in_l2_multicast", "1"),
    ];

    /// <summary>What a tenant's namespace is told before its first link.</summary>
    internal static readonly IReadOnlyList<(string Key, string Value)> Tenant =
    [
        .. s_connections,
        // Guests have IPv4 only; and an address in the tenant's range may come in by the cable, so only the bridge judges a source by its route.
        ("ipv6.conf.all.disable_ipv6", "1"),
        ("ipv6.conf.default.disable_ipv6", "1"),
        ("ipv4.conf.all.rp_filter", "0"),
        ("ipv4.conf.default.rp_filter", "0"),
        ("ipv4.conf.all.send_redirects", "0"),
        ("ipv4.conf.default.send_redirects", "0"),
        ("ipv4.conf.all.accept_redirects", "0"),
        ("ipv4.conf.default.accept_redirects", "0"),
        ("ipv4.conf.all.drop_unicast_in_l2_multicast", "1"),
        ("ipv4.conf.default.drop_unicast_in_l2_multicast", "1"),
        ("ipv4.ipfrag_low_thresh", $"{FragmentBytes * 3 / 4}"), // first: the kernel wants it below the other
        ("ipv4.ipfrag_high_thresh", $"{FragmentBytes}"),
        ("ipv4.ip_forward", "1"),
    ];

    /// <summary>Frames between two guests stay with the bridge's rules; only kernels built with br_netfilter have this.</summary>
    internal static readonly IReadOnlyList<(string Key, string Value)> TenantWhereThere =
        [("bridge.bridge-nf-call-iptables", "0"), ("bridge.bridge-nf-call-arptables", "0")];

    /// <summary>Connections the root's table has room for: a sixty-fourth of memory at most, at 256 bytes each.</summary>
    internal static long MostConnections(long memoryBytes) => Math.Max(LeastConnections, memoryBytes / BytesPerConnection);
}
