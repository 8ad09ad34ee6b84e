namespace ZeroOS.Contracts.Deployments;

/// <summary>A file system in a machine's memory, empty at each start; nosuid, nodev and noexec unless its options say otherwise.</summary>
public sealed record MachineTmpfs
{
    /// <summary>Absolute path in the machine.</summary>
    public required string Path { get; init; }

    /// <summary>4 KiB to 1 TiB; half of the machine's memory if not given.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>Three or four octal digits, "1777"; that of the directory in the image if not given.</summary>
    public string? Mode { get; init; }

    /// <summary>ro, rw, exec, noexec, suid, nosuid, dev, nodev, "uid=N", "gid=N"; the last of a kind counts, at most 16.</summary>
    public IReadOnlyList<string>? Options { get; init; }
}
