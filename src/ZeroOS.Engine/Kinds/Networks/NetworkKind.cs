using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Networks;

/// <summary>A tenant's network: a range of addresses that the deployment's machines share.</summary>
internal sealed class NetworkKind : IWorkloadKind
{
    /// <summary>Networks of one tenant at most: each is a namespace of the kernel.</summary>
    public const int MaxNetworks = 64;

    /// <summary>What a network is made from: another one means another network.</summary>
    public static string Fingerprint(NetworkData data) => data.Internal ? data.Range + " internal" : data.Range;

    /// <inheritdoc/>
    public string Type => WorkloadRow.Network;

    /// <inheritdoc/>
    public bool IsKept => false;

    /// <inheritdoc/>
    public bool StaysWhenChanged => true;

    /// <inheritdoc/>
    public bool Is(Workload workload) => workload is NetworkWorkload;

    /// <inheritdoc/>
    public void Check(string path, Workload workload, DeploymentGraph graph)
    {
        if (!Ipv4Range.TryParse(((NetworkWorkload)workload).Data.Range, out Ipv4Range range, out string why))
            throw Refuse.Invalid($"{path}.range", $"the range {why}");
        graph.Add(workload.Name, range);
    }

    /// <inheritdoc/>
    public ResourceUse Use(Workload workload) => default;

    /// <inheritdoc/>
    public void Promise(EngineStore store, WorkloadId id, Workload workload, WorkloadRow? row, string path)
    {
    }

    /// <inheritdoc/>
    public void PromiseTogether(EngineStore store, string tenant, Deployment wanted, GrantRow grant)
    {
        if (store.Tenant(tenant).Workloads.Count(w => w.Type == Type) > MaxNetworks)
            throw Refuse.OverCapacity($"a tenant has at most {MaxNetworks} networks on a node");
    }

    /// <inheritdoc/>
    public IKindReconciler For(TenantSteps steps) => new NetworkReconciler(steps);
}
