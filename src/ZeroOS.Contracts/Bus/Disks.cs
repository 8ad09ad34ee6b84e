namespace ZeroOS.Contracts.Bus;

/// <summary>A disk with all that an order about it has to name.</summary>
public sealed record DiskDetails
{
    /// <summary>Name, serial number, model, size, state, and what is on it.</summary>
    public required DiskStatus Disk { get; init; }

    /// <summary>Which disk it is: 64 hex digits over WWID, model, serial number, size and place in the computer.</summary>
    public required string DiskId { get; init; }

    /// <summary>What is on it: 64 hex digits over its first and last MiB and all signatures found; null of a disk that cannot be claimed or erased.</summary>
    public string? ContentId { get; init; }

    /// <summary>While it is claimed or erased: how far that is, in percent.</summary>
    public int? Percent { get; init; }
}

/// <summary>Answer to zos.disk.list.</summary>
public sealed record DiskList
{
    /// <summary>Every disk of the computer.</summary>
    public required IReadOnlyList<DiskDetails> Disks { get; init; }
}

/// <summary>Body of zos.disk.claim and zos.disk.erase.</summary>
public sealed record SignedDiskOrder
{
    /// <summary>The signed order, base64: what zos node disk wrote.</summary>
    public required string Order { get; init; }
}
