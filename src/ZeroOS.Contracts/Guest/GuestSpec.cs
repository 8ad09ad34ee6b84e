using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Guest;

/// <summary>What zguest is told to become. Sent once per boot in answer to its hello; secrets (environment) travel only here.</summary>
public sealed partial record GuestSpec
{
    /// <summary>The host name.</summary>
    public required string Hostname { get; init; }

    /// <summary>Serial of the EROFS disk that is the image.</summary>
    public required string RootDisk { get; init; }

    /// <summary>Serial of the ext4 disk that is the writable layer (upper and work inside).</summary>
    public required string WritableDisk { get; init; }

    /// <summary>Volumes to mount.</summary>
    public IReadOnlyList<GuestMount> Mounts { get; set; } = [];

    /// <summary>Network cards by address.</summary>
    public IReadOnlyList<GuestNic> Nics { get; set; } = [];

    /// <summary>Name servers for /etc/resolv.conf.</summary>
    public IReadOnlyList<string> Resolvers { get; set; } = [];

    /// <summary>Lines for /etc/hosts beside its own: "address name...".</summary>
    public IReadOnlyList<string> Hosts { get; set; } = [];

    /// <summary>The process.</summary>
    public required GuestProcess Process { get; init; }

    /// <summary>How the workload is asked whether it is well; null: it is not.</summary>
    public GuestHealth? Health { get; init; }

    /// <summary>Host wall clock when sent, nanoseconds since 1970; the guest sets its clock if kvm-clock is off by more than 100 ms.</summary>
    public long UnixTimeNs { get; init; }
}

/// <summary>One program to run, merged from image and deployment by OCI rules already, but for names that only the image's own files resolve.</summary>
public sealed partial record GuestProcess
{
    /// <summary>Entrypoint and arguments; not empty.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>"NAME=value" in order; PATH, HOME, HOSTNAME are added when absent.</summary>
    public IReadOnlyList<string> Environment { get; set; } = [];

    /// <summary>OCI user: "", user, uid, user:group, uid:gid; names by the image's /etc/passwd and /etc/group.</summary>
    public string User { get; set; } = "";

    /// <summary>Working directory, made if missing.</summary>
    public string WorkingDirectory { get; set; } = "/";

    /// <summary>The signal that asks it to stop: "SIGTERM", "SIGQUIT", a number.</summary>
    public string StopSignal { get; set; } = "SIGTERM";

    /// <summary>All capabilities instead of Docker's default set.</summary>
    public bool Privileged { get; init; }

    /// <summary>Input, output and errors are one terminal.</summary>
    public bool Tty { get; init; }

    /// <summary>Clients that attach write its input; otherwise it is empty, and of a terminal nothing comes.</summary>
    public bool Stdin { get; init; }
}

/// <summary>A volume inside the guest.</summary>
public sealed record GuestMount
{
    /// <summary>Serial of the ext4 disk; its <c>data/</c> directory is what is mounted.</summary>
    public required string Disk { get; init; }

    /// <summary>Where, absolute, inside the image; made if missing. First mounted empty, it gets the image's content, owner and mode of that path.</summary>
    public required string Path { get; init; }

    /// <summary>Mounted read-only.</summary>
    public bool ReadOnly { get; init; }
}

/// <summary>A card's addresses.</summary>
public sealed record GuestNic
{
    /// <summary>Which card: "02:00:00:00:00:01".</summary>
    public required string Mac { get; init; }

    /// <summary>Addresses with prefix length: "10.77.1.10/24".</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>Default route's next hop, or null.</summary>
    public string? Gateway { get; init; }

    /// <summary>MTU in bytes.</summary>
    public int Mtu { get; set; } = 1500;
}
