using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>A virtual machine that runs one image.</summary>
internal sealed class MachineKind : IWorkloadKind
{
    private const int MaxMessage = 300;

    /// <inheritdoc/>
    public string Type => WorkloadRow.Zmachine;

    /// <inheritdoc/>
    public bool IsKept => false;

    /// <inheritdoc/>
    public bool StaysWhenChanged => false;

    /// <inheritdoc/>
    public bool Is(Workload workload) => workload is ZmachineWorkload;

    /// <inheritdoc/>
    public void Check(string path, Workload workload, DeploymentGraph graph) => graph.Machines.Check(path, (ZmachineWorkload)workload);

    /// <inheritdoc/>
    public bool Runs(Workload workload) => ((ZmachineWorkload)workload).Data.Run ?? true;

    /// <inheritdoc/>
    public ResourceUse Use(Workload workload) => ResourceUse.Of(((ZmachineWorkload)workload).Data);

    /// <inheritdoc/>
    public void Promise(EngineStore store, WorkloadId id, Workload workload, WorkloadRow? row, string path)
    {
        ForeignParts.Check(store, id, ((ZmachineWorkload)workload).Data, path);
        if (row is not null && row.RootDigest == ((ZmachineWorkload)workload).Data.Flist.Digest && Use(workload).Storage < row.Storage)
            throw Refuse.Conflict("the writable layer of a machine never shrinks while its image stays the same", $"{path}.rootfs");
    }

    /// <inheritdoc/>
    public void PromiseTogether(EngineStore store, string tenant, Deployment wanted, GrantRow grant)
    {
        MachinePromises.StoreAddresses(store, tenant, wanted);
        MachinePromises.StorePorts(store, tenant, wanted, grant);
        MachinePromises.ForgetImages(store, tenant);
    }

    /// <inheritdoc/>
    public IKindReconciler For(TenantSteps steps) => new MachineReconciler(steps);

    /// <inheritdoc/>
    public WorkloadStatus Tell(WorkloadStatus plain, WorkloadRow row, TenantView view, EngineParts parts)
    {
        IImage? image = parts.Ready.GetValueOrDefault(row.Id);
        Dictionary<string, string> addresses = view.Addresses.Where(a => a.Deployment == row.Id.Deployment && a.Machine == row.Id.Name)
            .ToDictionary(a => a.Network, a => Ipv4Range.Text(a.Address));
        // While chunks do not come, the machine waits in the middle of a read: its status says why.
        (string Reason, string Message)? trouble = row.State is WorkloadState.Preparing or WorkloadState.Running ? image?.Trouble : null;
        return plain with
        {
            Reason = row.Reason ?? trouble?.Reason,
            Message = row.Reason is null && trouble is { } t ? HostileText.Plain(t.Message, MaxMessage) : row.Message,
            Health = row.Live ? parts.Healths.Of(row.Id) : null,
            StartedAt = row.StartedAt,
            EndedAt = row.EndedAt,
            Addresses = addresses.Count == 0 ? null : addresses,
            ImageBytesFetched = image?.BytesFetched,
            ImageBytesTotal = image?.BytesTotal,
        };
    }

    /// <inheritdoc/>
    public Workload WithoutSecrets(Workload workload)
    {
        ZmachineWorkload machine = (ZmachineWorkload)workload;
        return machine with { Data = machine.Data with { Flist = machine.Data.Flist with { Auth = null } } };
    }
}
