using System.Globalization;

using ZeroOS.Init.Jail;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>What the kernel is told once at boot. A key this kernel lacks has nothing to protect and is passed over; one it refuses is said.</summary>
internal static class Sysctls
{
    /// <summary>
    /// Neighbours (ARP and ND) that the kernel keeps in all namespaces together, per IP version; beyond it the oldest that are not in use go.
    /// </summary>
    internal const string MostNeighbours = "8192";

    internal static readonly (string Key, string Value)[] Table =
    [
        // --- hardening: what an attacker inside some process does not learn or get
        ("dev/tty/ldisc_autoload", "0"),
        ("dev/tty/legacy_tiocsti", "0"),
        ("fs/protected_symlinks", "1"),
        ("fs/protected_hardlinks", "1"),
        ("fs/protected_fifos", "2"),
        ("fs/protected_regular", "2"),
        ("fs/suid_dumpable", "0"),
        ("kernel/core_pattern", "|/none"),
        ("kernel/kptr_restrict", "2"),
        ("kernel/dmesg_restrict", "1"),
        ("kernel/perf_event_paranoid", "3"),
        ("kernel/randomize_va_space", "2"),
        ("kernel/yama/ptrace_scope", "3"),
        ("kernel/unprivileged_bpf_disabled", "1"),
        ("kernel/sysrq", "0"),
        ("kernel/io_uring_group", Jails.MonitorGroup.ToString(CultureInfo.InvariantCulture)),
        ("kernel/io_uring_disabled", "1"), // only members of that group
        ("net/core/bpf_jit_harden", "2"),
        ("user/max_user_namespaces", "0"),
        ("vm/mmap_min_addr", "65536"),
        ("vm/mmap_rnd_bits", "32"),
        ("vm/unprivileged_userfaultfd", "0"),

        // --- failure: a panic restarts, a hang is a panic
        ("kernel/panic", "10"),
        ("kernel/panic_on_oops", "1"),

        // --- the network: closed to tricks from either side; role node lets IPv4 be forwarded once its firewall stands
        ("net/ipv4/ip_forward", "0"),
        ("net/ipv6/conf/all/forwarding", "0"),
        ("net/ipv6/conf/default/accept_ra", "0"), // role node turns it on for the cards that lead out
        ("net/ipv4/conf/all/accept_redirects", "0"),
        ("net/ipv4/conf/default/accept_redirects", "0"),
        ("net/ipv6/conf/all/accept_redirects", "0"),
        ("net/ipv6/conf/default/accept_redirects", "0"),
        ("net/ipv4/conf/all/send_redirects", "0"),
        ("net/ipv4/conf/default/send_redirects", "0"),
        ("net/ipv4/conf/all/accept_source_route", "0"),
        ("net/ipv4/conf/default/accept_source_route", "0"),
        // The larger of "all" and the card's own counts: uplinks are loose, cables to tenants strict (role node sets each).
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "2"),
        ("net/ipv4/conf/all/drop_unicast_in_l2_multicast", "1"),
        ("net/ipv4/conf/default/drop_unicast_in_l2_multicast", "1"),
        ("net/ipv6/conf/all/drop_unicast_in_l2_multicast", "1"),
        ("net/ipv6/conf/default/drop_unicast_in_l2_multicast", "1"),
        ("net/ipv4/icmp_echo_ignore_broadcasts", "1"),
        ("net/ipv4/icmp_ignore_bogus_error_responses", "1"),
        ("net/ipv4/tcp_syncookies", "1"),
        ("net/ipv4/tcp_mtu_probing", "1"), // a path that swallows "too large" is still found narrow
        // One table for all namespaces: a network of a thousand machines fits, a flood of addresses that nobody has does not keep the gateway out.
        ("net/ipv4/neigh/default/gc_thresh1", "1024"),
        ("net/ipv4/neigh/default/gc_thresh2", "4096"),
        ("net/ipv4/neigh/default/gc_thresh3", MostNeighbours),
        ("net/ipv6/neigh/default/gc_thresh1", "1024"),
        ("net/ipv6/neigh/default/gc_thresh2", "4096"),
        ("net/ipv6/neigh/default/gc_thresh3", MostNeighbours),
        ("net/ipv4/tcp_keepalive_time", "600"),
        ("net/ipv4/tcp_keepalive_intvl", "60"),

        // --- room for many machines
        ("kernel/pid_max", "262144"),
        ("vm/overcommit_memory", "1"),
        ("fs/inotify/max_user_instances", "8192"),
        ("fs/aio-max-nr", "1048576"),
    ];

    internal static void Apply(Boot boot)
    {
        List<string> refused = [];
        foreach ((string key, string value) in Table)
        {
            Errno errno = boot.Kernel.Write($"/proc/sys/{key}", value);
            if (errno is not (Errno.None or Errno.ENOENT))
                refused.Add($"{key} ({errno})");
        }
        if (boot.Kernel.TameCtrlAltDel() is var tamed && tamed != Errno.None)
            refused.Add($"ctrl-alt-del ({tamed})");
        boot.Kernel.LimitOpenFiles(65536);
        if (refused.Count > 0)
            boot.Log.Warn($"sysctls refused={string.Join(',', refused)}");
    }
}
