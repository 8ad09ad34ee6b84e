using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>What the program finds inside, in Docker's words. A word that is absent is not written, so that it changes no fingerprint.</summary>
public sealed partial record ZmachineData
{
    /// <summary>The host name: 1 to 64 letters, digits, hyphens, underscores and inner dots; the machine's name if not given.</summary>
    public string? Hostname { get; init; }

    /// <summary>Kept and returned, never interpreted: at most 128, 16 KiB of names and values together.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Lines of /etc/hosts, "name:address", at most 64; the address <c>host-gateway</c> is the first network's gateway.</summary>
    public IReadOnlyList<string>? ExtraHosts { get; init; }

    /// <summary>What /etc/resolv.conf says; each part that is absent is the node's.</summary>
    public MachineDns? Dns { get; init; }

    /// <summary>Groups of the program beside its user's, by name or number, at most 32.</summary>
    public IReadOnlyList<string>? Groups { get; init; }

    /// <summary>Capabilities beside Docker's default ones, by name with or without CAP_; ALL is every one.</summary>
    public IReadOnlyList<string>? CapAdd { get; init; }

    /// <summary>Capabilities the program does not have, by name with or without CAP_; ALL leaves what <see cref="CapAdd"/> names.</summary>
    public IReadOnlyList<string>? CapDrop { get; init; }

    /// <summary>All capabilities, all devices of the guest, and a writable /proc/sys, /sys and cgroup tree.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Privileged { get; init; }

    /// <summary>The root is read-only to the program; volumes, tmpfs, /dev and the files of the node's making stay writable.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ReadOnlyRoot { get; init; }

    /// <summary>File systems in memory, at most 16.</summary>
    public IReadOnlyList<MachineTmpfs>? Tmpfs { get; init; }

    /// <summary>Size of /dev/shm, 4 KiB to 1 TiB; 64 MiB if not given.</summary>
    public ByteSize? Shm { get; init; }

    /// <summary>Limits of each process, at most one of a name.</summary>
    public IReadOnlyList<MachineUlimit>? Ulimits { get; init; }

    /// <summary>Settings of the guest's kernel by their names below /proc/sys, at most 64.</summary>
    public IReadOnlyDictionary<string, string>? Sysctls { get; init; }

    /// <summary>Process 1 is an init of the guest's, which passes signals on and reaps; otherwise the program is process 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Init { get; init; }

    /// <summary>Processes and threads of the program and what it starts, 1 to 4,194,304; unlimited if not given.</summary>
    public int? Pids { get; init; }

    /// <summary>Processor time of the program and what it starts, in thousandths of a processor: 10 to 1,000 for each of <see cref="Cpu"/>.</summary>
    public int? CpuQuota { get; init; }

    /// <summary>Files that are written before the program starts, at most 64, 256 KiB together.</summary>
    public IReadOnlyList<MachineFile>? Files { get; init; }
}
