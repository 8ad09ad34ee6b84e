using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Kinds;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Deployments;

/// <summary>
/// Decides whether a deployment may exist on this node, and stores the promise: content, workloads, addresses, ports, volumes and the message's id in one
/// transaction. All or nothing: a refusal leaves the store as it was.
/// </summary>
internal sealed class DeploymentAdmission(EngineStore store, EngineLimits limits)
{
    /// <summary>Deployments of one tenant at most.</summary>
    public const int MaxDeployments = 64;

    /// <summary>
    /// Makes or changes a deployment, with all that its workloads stand for. The same version with the same content again is no error: its answer may have been
    /// lost.
    /// </summary>
    /// <exception cref="BusErrorException">invalid, conflict, over-capacity, denied.</exception>
    public void Apply(string tenant, Deployment asked, MessageMark? mark)
    {
        DeploymentValidator.Check(asked);
        Deployment wanted = WorkloadKinds.Expand(asked);
        if (!ReferenceEquals(wanted, asked))
            DeploymentValidator.Check(wanted);      // together they have the limits of one deployment, and names that fit each other
        store.Write(() =>
        {
            GrantRow grant = GrantRules.RequireActive(store.Grant(tenant));
            DeploymentRow? old = store.Deployment(tenant, wanted.Name);
            store.Mark(mark);
            if (old is { Deleting: true })
                throw Refuse.Conflict($"\"{wanted.Name}\" is still being deleted; try again in a moment", retryable: true);
            if (old is not null && old.Content.Version == wanted.Version && Json(old.Content) == Json(wanted))
                return;
            int next = (old?.Content.Version ?? 0) + 1;
            if (wanted.Version != next)
                throw Refuse.Conflict(old is null ? $"a new deployment has version 1, not {wanted.Version}"
                    : $"the node has version {next - 1}, so the next is {next}, not {wanted.Version}", "version");
            if (old is null && store.CountDeployments(tenant) >= MaxDeployments)
                throw Refuse.OverCapacity($"a tenant has at most {MaxDeployments} deployments on a node");

            ResourceUse before = store.Use(tenant), nodeBefore = NodeUse();
            store.SetDeployment(new DeploymentRow(tenant, wanted, Deleting: false));
            StoreWorkloads(tenant, old?.Content, wanted);
            if (old is not null)
                ForeignParts.RequireKept(store, tenant, old.Content, wanted);
            foreach (IWorkloadKind kind in WorkloadKinds.InOrder)
                kind.PromiseTogether(store, tenant, wanted, grant);
            CheckGrant(grant.Grant, before, store.Use(tenant));
            CheckNode(nodeBefore, NodeUse());
            store.AddEvent(tenant, "deployment-applied", wanted.Name, message: $"version {wanted.Version}");
        });
    }

    /// <summary>Begins to take a deployment down. Its volumes are kept but for those named.</summary>
    /// <exception cref="BusErrorException">not-found: the deployment, or a named volume.</exception>
    public void Delete(string tenant, string name, IReadOnlyList<string> volumes, MessageMark? mark) => store.Write(() =>
    {
        DeploymentRow row = store.Deployment(tenant, name) ?? throw Refuse.NotFound($"you have no deployment \"{name}\" on this node", "name");
        store.Mark(mark);
        for (int i = 0; i < volumes.Count; i++)
            MarkDestroyed(new WorkloadId(tenant, name, volumes[i]), $"volumes[{i}]");
        ForeignParts.RequireKept(store, tenant, row.Content, null);
        store.BeginDelete(row);
    });

    /// <summary>Destroys a kept volume.</summary>
    /// <exception cref="BusErrorException">not-found, or conflict while a deployment names it.</exception>
    public void DeleteVolume(WorkloadId volume, MessageMark? mark) => store.Write(() =>
    {
        store.Mark(mark);
        if (store.Deployment(volume.Tenant, volume.Deployment) is { Deleting: false } row
            && row.Content.Workloads.Any(w => w is ZmountWorkload && w.Name == volume.Name))
            throw Refuse.Conflict($"deployment \"{volume.Deployment}\" uses the volume \"{volume.Name}\"; delete the deployment, or its zmount, first");
        MarkDestroyed(volume, "name");
    });

    /// <summary>Begins to take everything of a tenant down, volumes too: the end of a grant's grace.</summary>
    public void DestroyAll(string tenant) => store.Write(() =>
    {
        TenantView view = store.Tenant(tenant);
        foreach (VolumeRow volume in view.Volumes)
            store.SetVolume(volume with { Destroying = true });
        foreach (DeploymentRow row in view.Deployments)
            store.BeginDelete(row);
    });

    private void MarkDestroyed(WorkloadId volume, string path)
    {
        VolumeRow row = store.Volumes(volume.Tenant).FirstOrDefault(v => v.Id == volume)
            ?? throw Refuse.NotFound($"\"{volume.Deployment}\" has no volume \"{volume.Name}\"", path);
        store.SetVolume(row with { Destroying = true });
    }

    private void StoreWorkloads(string tenant, Deployment? old, Deployment wanted)
    {
        Dictionary<string, WorkloadRow> rows = store.Workloads(tenant, wanted.Name).ToDictionary(r => r.Id.Name, StringComparer.Ordinal);
        Dictionary<string, Workload> before = (old?.Workloads ?? []).ToDictionary(w => w.Name, StringComparer.Ordinal);
        // What goes, goes first, so that a volume or a network can be seen to be free in the same step.
        foreach (WorkloadRow gone in rows.Values.Where(r => wanted.Workloads.All(w => w.Name != r.Id.Name)))
        {
            store.Change(gone.Id, r => r.AsGoing());
            if (WorkloadKinds.Of(gone.Type).IsKept)
                store.RemoveWorkload(gone.Id);      // what it made is kept
        }
        for (int i = 0; i < wanted.Workloads.Count; i++)
        {
            Workload workload = wanted.Workloads[i];
            rows.TryGetValue(workload.Name, out WorkloadRow? row);
            IWorkloadKind kind = WorkloadKinds.Of(workload);
            ResourceUse use = kind.Use(workload);
            if (row is not null && row.Type != kind.Type)
                throw Refuse.Conflict($"\"{workload.Name}\" is a {row.Type}{(row.Removed ? " still being taken down" : "")}; give the {kind.Type} another name",
                    $"workloads[{i}].name", row.Removed);
            WorkloadId id = new(tenant, wanted.Name, workload.Name);
            kind.Promise(store, id, workload, row, $"workloads[{i}].data");
            if (row is null)
            {
                store.AddWorkload(new WorkloadRow
                {
                    Id = id,
                    Type = kind.Type,
                    State = kind.Runs(workload) ? WorkloadState.Pending : WorkloadState.Stopped,
                    Stopped = !kind.Runs(workload),
                    Cpu = use.Cpu,
                    Memory = use.Memory,
                    Storage = use.Storage
                });
                continue;
            }
            Workload? was = row.Removed ? null : before.GetValueOrDefault(workload.Name);
            if (was is not null && Json(was) == Json(workload))
                continue;
            // A version that changes whether it runs is a start, or a stop.
            bool stopped = was is not null && kind.Runs(was) == kind.Runs(workload) ? row.Stopped : !kind.Runs(workload);
            store.Change(row.Id, r => Changed(r, stopped) with { Cpu = use.Cpu, Memory = use.Memory, Storage = use.Storage });
        }
    }

    /// <summary>What is asked for anew has a new chance: failures and back-off are forgotten, what runs is left to the reconciler.</summary>
    private static WorkloadRow Changed(WorkloadRow row, bool stopped) => row with
    {
        Removed = false,
        Stopped = stopped,
        State = StateOfChanged(row, stopped),
        Reason = null,
        Message = null,
        Attempt = 0,
        NextRetry = null,
        Restarts = 0,
    };

    private static WorkloadState StateOfChanged(WorkloadRow row, bool stopped)
    {
        if (row.Live)
            return row.StartedAt is null ? WorkloadState.Preparing : WorkloadState.Running;
        if (WorkloadKinds.Of(row.Type).StaysWhenChanged && row.State == WorkloadState.Running)
            return WorkloadState.Running;       // a network or volume that is there stays there
        return stopped ? WorkloadState.Stopped : WorkloadState.Pending;
    }

    private ResourceUse NodeUse() => store.Use(null) with { Memory = store.MachineMemories().Sum(limits.MachineMemory) };

    /// <summary>Nothing may grow beyond the grant; what a reduced grant no longer covers may stay or shrink.</summary>
    private static void CheckGrant(Grant grant, ResourceUse before, ResourceUse after)
    {
        Check("your grant has", "machines", grant.Machines, before.Machines, after.Machines, bytes: false);
        Check("your grant has", "virtual processors", grant.Cpu, before.Cpu, after.Cpu, bytes: false);
        Check("your grant has", "memory", grant.Memory.Bytes, before.Memory, after.Memory, bytes: true);
        Check("your grant has", "storage (disks, images, 8MiB of log a machine, 1MiB of history a deployment)", grant.Storage.Bytes, before.Storage,
            after.Storage, bytes: true);
    }

    private void CheckNode(ResourceUse before, ResourceUse after)
    {
        Resources capacity = limits.Capacity;
        Check("the node has", "virtual processors", capacity.Cpu, before.Cpu, after.Cpu, bytes: false, tellUse: false);
        Check("the node has", "memory for tenants", capacity.Memory.Bytes, before.Memory, after.Memory, bytes: true, tellUse: false);
        Check("the node has", "storage for tenants", capacity.Storage.Bytes, before.Storage, after.Storage, bytes: true, tellUse: false);
    }

    private static void Check(string who, string what, long limit, long before, long after, bool bytes, bool tellUse = true)
    {
        if (after <= limit || after <= before)
            return;
        string Amount(long n) => bytes ? BinarySizes.Text(n) : n.ToString(System.Globalization.CultureInfo.InvariantCulture);
        // What other tenants have is nobody's business, so the node's own sum is not told.
        throw Refuse.OverCapacity(tellUse ? $"{who} {Amount(limit)} {what}; this needs {Amount(after - limit)} more"
            : $"{who} not enough {what} left: {Amount(after - before)} more asked for");
    }

    private static string Json(Deployment deployment) => JsonSerializer.Serialize(deployment, BusJson.Default.Deployment);

    private static string Json(Workload workload) => JsonSerializer.Serialize(workload, BusJson.Default.Workload);
}
