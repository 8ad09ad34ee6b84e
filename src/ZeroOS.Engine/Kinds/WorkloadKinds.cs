using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Engine.Kinds.Networks;
using ZeroOS.Engine.Kinds.Volumes;

namespace ZeroOS.Engine.Kinds;

/// <summary>The kinds of workloads, in the order in which they are made; they are taken down in reverse.</summary>
internal static class WorkloadKinds
{
    /// <summary>The table. A machine needs the networks and volumes that it names, so it comes last.</summary>
    public static readonly IReadOnlyList<IWorkloadKind> InOrder = [new NetworkKind(), new VolumeKind(), new MachineKind()];

    /// <summary>The kind of a workload; every type of <see cref="Workload"/> has one.</summary>
    public static IWorkloadKind Of(Workload workload) => InOrder.First(k => k.Is(workload));

    /// <summary>The kind of a stored type.</summary>
    public static IWorkloadKind Of(string type) => InOrder.First(k => k.Type == type);
}
