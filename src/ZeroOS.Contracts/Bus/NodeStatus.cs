namespace ZeroOS.Contracts.Bus;

/// <summary>Answer to zos.node.status.</summary>
public sealed record NodeStatus
{
    /// <summary>Boot stage: "booting" or "ready".</summary>
    public required string Stage { get; init; }

    /// <summary>Seconds from kernel start to ready.</summary>
    public double? ReadyAfterSeconds { get; init; }

    /// <summary>Network, clock, storage, publish (only when not well), a tenant's grant: each with a reason when not well.</summary>
    public required IReadOnlyList<NodeCondition> Conditions { get; init; }

    /// <summary>What the node has for tenants.</summary>
    public required Resources Capacity { get; init; }

    /// <summary>What is reserved: for owners in sum, for a tenant their own.</summary>
    public required Resources Used { get; init; }

    /// <summary>The asker's grant, if a tenant.</summary>
    public Grant? Grant { get; init; }

    /// <summary>Disks, owners only.</summary>
    public IReadOnlyList<DiskStatus>? Disks { get; init; }

    /// <summary>Uplink addresses, owners only.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>The update under way, or how the last one ended; owners only.</summary>
    public UpdateStatus? Update { get; init; }
}

/// <summary>One thing that is well or not.</summary>
public sealed record NodeCondition
{
    /// <summary>"network", "clock", "storage", "machines", "update", "publish", "grant"; "farm" when settings are not used.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is well.</summary>
    public required bool Ok { get; init; }

    /// <summary>Kebab-case code when not.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence.</summary>
    public string? Message { get; init; }
}

/// <summary>A disk as the node sees it.</summary>
public sealed record DiskStatus
{
    /// <summary>Device name without /dev.</summary>
    public required string Name { get; init; }

    /// <summary>Serial number, or empty.</summary>
    public required string Serial { get; init; }

    /// <summary>What its maker calls it, or null.</summary>
    public string? Model { get; init; }

    /// <summary>Bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>empty, ours, foreign, broken, removable; while that lasts claiming, erasing.</summary>
    public required string State { get; init; }

    /// <summary>Why it is in that state; of a foreign disk all that is known to be on it.</summary>
    public string? Reason { get; init; }

    /// <summary>What a person does elsewhere so that the node can use it; null where nothing helps or nothing is needed.</summary>
    public string? Remedy { get; init; }
}
