namespace ZeroOS.Contracts.Guest;

/// <summary>What a deployment says about the inside; the node has checked and resolved it.</summary>
public sealed partial record GuestSpec
{
    /// <summary>Domains for /etc/resolv.conf in which short names are looked for.</summary>
    public IReadOnlyList<string> Search { get; set; } = [];

    /// <summary>Options for /etc/resolv.conf.</summary>
    public IReadOnlyList<string> ResolverOptions { get; set; } = [];

    /// <summary>File systems in memory to mount.</summary>
    public IReadOnlyList<GuestTmpfs> Tmpfs { get; set; } = [];

    /// <summary>Values for files below /proc/sys, "net.ipv4.ip_forward"; a slash is one too.</summary>
    public IReadOnlyDictionary<string, string> Sysctls { get; set; } = new Dictionary<string, string>();

    /// <summary>Bytes of /dev/shm.</summary>
    public long ShmBytes { get; set; } = 64L << 20;

    /// <summary>The root is read-only to the process.</summary>
    public bool ReadOnlyRoot { get; init; }

    /// <summary>Processes and threads at most, or null.</summary>
    public int? Pids { get; init; }

    /// <summary>Thousandths of a processor at most, or null.</summary>
    public int? CpuQuota { get; init; }

    /// <summary>Files to write into the root.</summary>
    public IReadOnlyList<GuestFile> Files { get; set; } = [];
}
