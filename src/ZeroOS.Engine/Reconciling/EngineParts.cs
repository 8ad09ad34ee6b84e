using System.Collections.Concurrent;

using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Logs;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

/// <summary>What every tenant's reconciler works with.</summary>
internal sealed record EngineParts(EngineStore Store, INetworks Networks, IVolumes Volumes, IImages Images, IMachines Machines, LogStore Logs,
    EngineLimits Limits, PortPublisher Publisher, BackOff BackOff, WorkloadNames Names, ILog Log)
{
    /// <summary>The clock.</summary>
    public TimeProvider Time => Store.Time;

    /// <summary>How stops that are not ordered yet are wanted.</summary>
    public StopWishes StopWishes { get; } = new();

    /// <summary>What the checks of machines say.</summary>
    public MachineHealths Healths { get; } = new();

    /// <summary>Images that are ready, by machine: for status answers.</summary>
    public ConcurrentDictionary<WorkloadId, IImage> Ready { get; } = new();
}
