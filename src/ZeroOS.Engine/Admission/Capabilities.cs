using ZeroOS.Contracts.Guest;

namespace ZeroOS.Engine.Admission;

/// <summary>Capabilities by name (capabilities(7)) as Docker reads them: with or without CAP_, in any case; ALL is every one.</summary>
internal static class Capabilities
{
    private const string AllName = "ALL";

    // In the kernel's order, from 0.
    private static readonly string[] s_names =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE",
        "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN",
        "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE",
        "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    private static ulong All => (1UL << s_names.Length) - 1;

    /// <summary>Whether the text names one, or all.</summary>
    public static bool IsName(string text) => Bits(text) != 0;

    /// <summary>
    /// What is left of Docker's default set, bit n for capability n. ALL added is all but what is dropped; ALL dropped is only what is added; otherwise what is
    /// both is added.
    /// </summary>
    public static ulong Of(IReadOnlyList<string> added, IReadOnlyList<string> dropped)
    {
        ulong add = Union(added), drop = Union(dropped.Where(d => Bits(d) != All));
        return add == All ? All & ~drop : dropped.Any(d => Bits(d) == All) ? add : (GuestProcess.DefaultCapabilities & ~drop) | add;
    }

    private static ulong Union(IEnumerable<string> names) => names.Aggregate(0UL, (bits, name) => bits | Bits(name));

    private static ulong Bits(string text)
    {
        string name = text.ToUpperInvariant();
        if (name == AllName)
            return All;
        int at = Array.IndexOf(s_names, name.StartsWith("CAP_", StringComparison.Ordinal) ? name[4..] : name);
        return at < 0 ? 0 : 1UL << at;
    }
}
