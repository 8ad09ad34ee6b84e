namespace ZeroOS.Contracts.Guest;

/// <summary>A file system in memory inside the guest.</summary>
public sealed record GuestTmpfs
{
    /// <summary>Where, absolute, inside the root; made if missing.</summary>
    public required string Path { get; init; }

    /// <summary>What tmpfs is told (tmpfs(5)): "size=1024,uid=33". Without a mode it has that of the directory below, or 1777 where there was none.</summary>
    public string Options { get; set; } = "";

    /// <summary>Flags of mount(2) by name: "ro", "nosuid", "nodev", "noexec".</summary>
    public IReadOnlyList<string> Flags { get; set; } = [];
}
