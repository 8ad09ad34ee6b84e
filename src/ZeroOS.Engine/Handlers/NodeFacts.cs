using ZeroOS.Contracts.Bus;

namespace ZeroOS.Engine.Handlers;

/// <summary>What zos.node.status tells beside grants and use.</summary>
public sealed record NodeFacts
{
    /// <summary>"booting" or "ready".</summary>
    public required string Stage { get; init; }

    /// <summary>Seconds from kernel start to ready.</summary>
    public double? ReadyAfterSeconds { get; init; }

    /// <summary>Network, clock, storage, images.</summary>
    public IReadOnlyList<NodeCondition> Conditions { get; init; } = [];

    /// <summary>Disks, for owners.</summary>
    public IReadOnlyList<DiskStatus> Disks { get; init; } = [];

    /// <summary>Uplink addresses, for owners.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>The update under way, or how the last one ended, for owners.</summary>
    public UpdateStatus? Update { get; init; }
}
