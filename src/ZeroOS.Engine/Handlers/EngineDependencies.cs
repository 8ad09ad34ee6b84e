using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Handlers;

/// <summary>What the rest of the node is given to the engine by: facts it tells and does not own.</summary>
public sealed record EngineDependencies
{
    /// <summary>Key ids of the farm's owners now.</summary>
    public required Func<IReadOnlyList<string>> Owners { get; init; }

    /// <summary>Whether the clock is synced: only then grants begin, end and count.</summary>
    public required Func<bool> ClockSynced { get; init; }

    /// <summary>Stage, conditions, disks and addresses for zos.node.status.</summary>
    public required Func<NodeFacts> Facts { get; init; }

    /// <summary>What workloads are called on this node.</summary>
    public required WorkloadNames Names { get; init; }

    /// <summary>Where log lines go.</summary>
    public required ILog Log { get; init; }
}
