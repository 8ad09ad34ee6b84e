using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>What an owner lets a tenant have on a node.</summary>
public sealed record Grant
{
    /// <summary>The tenant's key id.</summary>
    public required string Grantee { get; init; }

    /// <summary>A grant replaces one with a lower version.</summary>
    public required int Version { get; init; }

    /// <summary>Machines at most.</summary>
    public required int Machines { get; init; }

    /// <summary>Virtual processors at most.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory at most.</summary>
    public required ByteSize Memory { get; init; }

    /// <summary>Disk space at most.</summary>
    public required ByteSize Storage { get; init; }

    /// <summary>Ports and ranges the tenant may publish: "8080", "30000-30100".</summary>
    public required IReadOnlyList<string> Ports { get; init; }

    /// <summary>Valid from, UTC.</summary>
    public required DateTimeOffset NotBefore { get; init; }

    /// <summary>Valid until, UTC.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>Seconds of powered-on, synced time between expiry and the end of the tenant's volumes.</summary>
    public required long GraceSeconds { get; init; }
}

/// <summary>All grants.</summary>
public sealed record GrantList
{
    /// <summary>Current versions.</summary>
    public required IReadOnlyList<Grant> Grants { get; init; }
}
