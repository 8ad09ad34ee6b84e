using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Volumes;

/// <summary>
/// A tenant's disk. It outlives the deployment that asked for it, until a message of the tenant's, or the end of the grant's grace, destroys it.
/// </summary>
internal sealed class VolumeKind : IWorkloadKind
{
    /// <inheritdoc/>
    public string Type => WorkloadRow.Zmount;

    /// <inheritdoc/>
    public bool IsKept => true;

    /// <inheritdoc/>
    public bool StaysWhenChanged => true;

    /// <inheritdoc/>
    public bool Is(Workload workload) => workload is ZmountWorkload;

    /// <inheritdoc/>
    public void Check(string path, Workload workload, DeploymentGraph graph) => DiskSizes.Check($"{path}.size", ((ZmountWorkload)workload).Data.Size);

    /// <inheritdoc/>
    public ResourceUse Use(Workload workload) => default;

    /// <inheritdoc/>
    public void Promise(EngineStore store, WorkloadId id, Workload workload, WorkloadRow? row, string path)
    {
        ByteSize size = ((ZmountWorkload)workload).Data.Size;
        path += ".size";
        VolumeRow? have = store.Volumes(id.Tenant).FirstOrDefault(v => v.Id == id);
        if (have is { Destroying: true })
            throw Refuse.Conflict($"the volume \"{id.Name}\" is still being destroyed; try again in a moment", path, retryable: true);
        if (have is not null && size.Bytes < have.SizeBytes)
            throw Refuse.Conflict($"the volume \"{id.Name}\" has {new ByteSize(have.SizeBytes)} and never shrinks", path);
        store.SetVolume(new VolumeRow(id, size.Bytes, Destroying: false));
    }

    /// <inheritdoc/>
    public void PromiseTogether(EngineStore store, string tenant, Deployment wanted, GrantRow grant)
    {
    }

    /// <inheritdoc/>
    public IKindReconciler For(TenantSteps steps) => new VolumeReconciler(steps);
}
