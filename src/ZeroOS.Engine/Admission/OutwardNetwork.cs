using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Admission;

/// <summary>Which of a machine's networks leads out: its default route goes there, and published ports come from there.</summary>
internal static class OutwardNetwork
{
    /// <summary>The first that is not internal, as the machine names it; null: there is none.</summary>
    public static string? Of(EngineStore store, WorkloadId machine, ZmachineData data) =>
        data.Networks.Select(n => n.Network).FirstOrDefault(n => !IsInternal(store, machine.Named(n)));

    private static bool IsInternal(EngineStore store, WorkloadId network) =>
        store.Deployment(network.Tenant, network.Deployment)?.Content.Workloads.FirstOrDefault(w => w.Name == network.Name)
            is NetworkWorkload { Data.Internal: true };
}
