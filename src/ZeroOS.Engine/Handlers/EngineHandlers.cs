using System.Runtime.CompilerServices;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Logs;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Handlers;

/// <summary>The engine's commands. A tenant reaches nothing but what is stored under their own key: every look-up begins with it.</summary>
internal sealed class EngineHandlers(EngineParts parts, DeploymentAdmission deployments, GrantKeeper grants, EngineSurroundings around, Action<string> wake, CancellationToken stopping)
{
    /// <summary>Log bytes in one answer at most; base64 and the envelope make more of it.</summary>
    private const int PieceBytes = 48 * 1024;

    /// <summary>Adds all routes.</summary>
    public void Register(Routes routes) => routes
        .Add(Commands.NodeStatus, Roles.OwnerOrTenant, BusJson.Default.Nothing, BusJson.Default.NodeStatus, (c, _, _) => Task.FromResult(NodeStatus(c.Tenant, c.IsOwner)))
        .Add(Commands.GrantPut, Roles.Owner, BusJson.Default.Grant, BusJson.Default.Grant, (c, body, _) => Task.FromResult(GrantPut(body, Mark(c))))
        .Add(Commands.GrantList, Roles.Owner, BusJson.Default.Nothing, BusJson.Default.GrantList, (_, _, _) => Task.FromResult(GrantList()))
        .Add(Commands.DeploymentApply, Roles.Tenant, BusJson.Default.DeploymentApply, BusJson.Default.DeploymentStatus, (c, body, _) => Task.FromResult(DeploymentApply(c.Tenant, body, Mark(c))))
        .Add(Commands.DeploymentGet, Roles.Tenant, BusJson.Default.DeploymentName, BusJson.Default.DeploymentStatus, (c, body, _) => Task.FromResult(DeploymentGet(c.Tenant, body)))
        .Add(Commands.DeploymentList, Roles.Tenant, BusJson.Default.Nothing, BusJson.Default.DeploymentList, (c, _, _) => Task.FromResult(DeploymentList(c.Tenant)))
        .Add(Commands.DeploymentDelete, Roles.Tenant, BusJson.Default.DeploymentDelete, BusJson.Default.Nothing, (c, body, _) => Task.FromResult(DeploymentDelete(c.Tenant, body, Mark(c))))
        .Add(Commands.MachineStart, Roles.Tenant, BusJson.Default.MachineName, BusJson.Default.Nothing, (c, body, _) => Task.FromResult(MachineStart(c.Tenant, body, Mark(c))))
        .Add(Commands.MachineStop, Roles.Tenant, BusJson.Default.MachineName, BusJson.Default.Nothing, (c, body, _) => Task.FromResult(MachineStop(c.Tenant, body, Mark(c))))
        .Add(Commands.VolumeList, Roles.Tenant, BusJson.Default.Nothing, BusJson.Default.VolumeList, (c, _, _) => Task.FromResult(VolumeList(c.Tenant)))
        .Add(Commands.VolumeDelete, Roles.Tenant, BusJson.Default.VolumeName, BusJson.Default.Nothing, (c, body, _) => Task.FromResult(VolumeDelete(c.Tenant, body, Mark(c))))
        .AddStream(Commands.MachineLogs, Roles.Tenant, BusJson.Default.MachineLogs, BusJson.Default.LogPiece, (c, body, cancellation) => MachineLogs(c.Tenant, body, cancellation))
        .AddStream(Commands.EventsWatch, Roles.OwnerOrTenant, BusJson.Default.EventsWatch, BusJson.Default.NodeEvent, (c, body, cancellation) => EventsWatch(c.Tenant, body, cancellation));

    /// <summary>Conditions and capacity; for an owner with what all tenants have reserved in sum, for a tenant with their own and their grant.</summary>
    public NodeStatus NodeStatus(string sender, bool isOwner)
    {
        NodeFacts facts = around.Facts();
        GrantRow? grant = parts.Store.Grant(sender);
        ResourceUse use = parts.Store.Use(isOwner ? null : sender);
        List<NodeCondition> conditions = [.. facts.Conditions];
        if (parts.Publisher.Trouble is { } trouble)
            conditions.Add(new NodeCondition { Name = "publish", Ok = false, Reason = "publish-failed", Message = isOwner ? trouble : "published ports cannot be changed just now; it is tried again" });
        if (!isOwner && grant is not null)
            conditions.Add(GrantCondition(grant, use));
        return new NodeStatus
        {
            Stage = facts.Stage,
            ReadyAfterSeconds = facts.ReadyAfterSeconds,
            Conditions = conditions,
            Capacity = parts.Limits.Capacity,
            Used = new Resources { Machines = use.Machines, Cpu = use.Cpu, Memory = new ByteSize(use.Memory), Storage = new ByteSize(use.Storage) },
            Grant = grant?.Grant,
            Disks = isOwner ? facts.Disks : null,
            Addresses = isOwner ? facts.Addresses : null,
            Update = isOwner ? facts.Update : null,
        };
    }

    /// <summary>Stores a grant.</summary>
    public Grant GrantPut(Grant body, MessageMark? mark)
    {
        Grant stored = grants.Put(body, mark);
        wake(body.Grantee);
        return stored;
    }

    /// <summary>All grants.</summary>
    public GrantList GrantList() => new() { Grants = [.. parts.Store.Grants().Where(g => g.Phase != GrantPhase.Gone).Select(g => g.Grant)] };

    /// <summary>Makes or changes a deployment; what is answered is on the medium.</summary>
    public DeploymentStatus DeploymentApply(string tenant, DeploymentApply body, MessageMark? mark)
    {
        deployments.Apply(tenant, body.Deployment, mark);
        wake(tenant);
        return DeploymentGet(tenant, new DeploymentName { Name = body.Deployment.Name });
    }

    /// <summary>One deployment.</summary>
    public DeploymentStatus DeploymentGet(string tenant, DeploymentName body) =>
        DeploymentStatuses.All(parts, tenant).FirstOrDefault(d => d.Deployment.Name == body.Name) ?? throw Refuse.NotFound($"you have no deployment \"{body.Name}\" on this node", "name");

    /// <summary>All of a tenant's deployments.</summary>
    public DeploymentList DeploymentList(string tenant) => new() { Deployments = [.. DeploymentStatuses.All(parts, tenant)] };

    /// <summary>Begins to take one down.</summary>
    public Nothing DeploymentDelete(string tenant, DeploymentDelete body, MessageMark? mark)
    {
        deployments.Delete(tenant, body.Name, body.Volumes, mark);
        wake(tenant);
        return new Nothing();
    }

    /// <summary>Lets a machine run that was stopped, has exited, or waits.</summary>
    public Nothing MachineStart(string tenant, MachineName body, MessageMark? mark)
    {
        parts.Store.Write(() =>
        {
            GrantRules.RequireActive(parts.Store.Grant(tenant));
            WorkloadRow row = Machine(tenant, body.Deployment, body.Machine);
            parts.Store.Mark(mark);
            parts.Store.Change(row.Id, r => r with
            {
                Stopped = false,
                Attempt = 0,
                NextRetry = null,
                State = r.Live ? r.State : WorkloadState.Pending,
                Reason = r.Live ? r.Reason : null,
                Message = r.Live ? r.Message : null,
            });
        });
        wake(tenant);
        return new Nothing();
    }

    /// <summary>Stops a machine, and keeps it stopped.</summary>
    public Nothing MachineStop(string tenant, MachineName body, MessageMark? mark)
    {
        parts.Store.Write(() =>
        {
            WorkloadRow row = Machine(tenant, body.Deployment, body.Machine);
            parts.Store.Mark(mark);
            parts.Store.Change(row.Id, r => r with { Stopped = true, Attempt = 0, NextRetry = null });
        });
        wake(tenant);
        return new Nothing();
    }

    /// <summary>A tenant's volumes, kept ones included.</summary>
    public VolumeList VolumeList(string tenant)
    {
        TenantView view = parts.Store.Tenant(tenant);
        HashSet<(string, string)> used = [.. view.Deployments.Where(d => !d.Deleting).SelectMany(d => d.Content.Workloads.OfType<ZmountWorkload>().Select(v => (d.Content.Name, v.Name)))];
        return new VolumeList
        {
            Volumes = [.. view.Volumes.Where(v => !v.Destroying).Select(v => new VolumeStatus
            {
                Deployment = v.Id.Deployment,
                Name = v.Id.Name,
                Size = new ByteSize(v.SizeBytes),
                InUse = used.Contains((v.Id.Deployment, v.Id.Name)),
            })],
        };
    }

    /// <summary>Destroys a kept volume.</summary>
    public Nothing VolumeDelete(string tenant, VolumeName body, MessageMark? mark)
    {
        deployments.DeleteVolume(new WorkloadId(tenant, body.Deployment, body.Name), mark);
        wake(tenant);
        return new Nothing();
    }

    /// <summary>A machine's output: what is kept, or its tail, and then what comes until the machine is removed or the reader leaves.</summary>
    public async IAsyncEnumerable<LogPiece> MachineLogs(string tenant, MachineLogs body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        WorkloadRow row = Machine(tenant, body.Deployment, body.Machine);
        MachineLog log = parts.Logs.Of(row.Id);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping);
        long position = 0;
        if (body.TailBytes is { } bytes)
        {
            (IReadOnlyList<LogChunk> tail, position) = log.Tail(bytes);
            foreach (LogPiece piece in tail.SelectMany(Pieces))
                yield return piece;
        }
        while (true)
        {
            Task changed = log.Changed.Next, happened = parts.Store.EventsAdded.Next;
            // Asked before the log is read: what the machine said last is in it when it is at rest.
            bool atRest = parts.Store.Workload(row.Id)?.State is WorkloadState.Exited or WorkloadState.Failed;
            IReadOnlyList<LogChunk> chunks = log.Read(ref position, PieceBytes * 4);
            foreach (LogPiece piece in chunks.SelectMany(Pieces))
                yield return piece;
            if (chunks.Count > 0)
                continue;
            if (!body.Follow || log.Removed || atRest)
                yield break;
            await Task.WhenAny(changed, happened).WaitAsync(either.Token).ConfigureAwait(false);
        }
    }

    /// <summary>The receiver's events above a number, and then those to come.</summary>
    public async IAsyncEnumerable<NodeEvent> EventsWatch(string receiver, EventsWatch body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping);
        long after = Math.Max(0, body.After);
        while (true)
        {
            Task added = parts.Store.EventsAdded.Next;
            IReadOnlyList<NodeEvent> events = parts.Store.Events(receiver, after);
            foreach (NodeEvent one in events)
            {
                after = one.Number;
                yield return one;
            }
            if (events.Count > 0)
                continue;
            if (!body.Follow)
                yield break;
            await added.WaitAsync(either.Token).ConfigureAwait(false);
        }
    }

    private static MessageMark Mark(RequestContext context) => new(context.Sender.Text, context.MessageId.ToString(), context.RememberUntil);

    private static IEnumerable<LogPiece> Pieces(LogChunk chunk)
    {
        for (int at = 0; at < chunk.Bytes.Length; at += PieceBytes)
        {
            yield return new LogPiece
            {
                Stream = chunk.Stream == LogRecord.Stderr ? "stderr" : "stdout",
                Data = Convert.ToBase64String(chunk.Bytes.Span.Slice(at, Math.Min(PieceBytes, chunk.Bytes.Length - at))),
            };
        }
    }

    private static NodeCondition GrantCondition(GrantRow row, ResourceUse use)
    {
        (string? reason, string message) = row.Phase switch
        {
            GrantPhase.Waiting => ("grant-not-begun", $"the grant begins at {row.Grant.NotBefore:yyyy-MM-dd'T'HH:mm:ss'Z'}"),
            GrantPhase.Active when GrantRules.IsOver(row.Grant, use) => ("over-grant", "more is reserved than the grant has: nothing can grow, and after 7 days the newest machines stop"),
            GrantPhase.Active => (null, $"until {row.Grant.Expires:yyyy-MM-dd'T'HH:mm:ss'Z'}"),
            _ => ("grant-ended", $"volumes are kept for {Math.Max(0, row.GraceSeconds - row.GraceUsed)} more seconds of this node's running time"),
        };
        return new NodeCondition { Name = "grant", Ok = reason is null, Reason = reason, Message = message };
    }

    private WorkloadRow Machine(string tenant, string deployment, string machine)
    {
        if (parts.Store.Deployment(tenant, deployment) is not { Deleting: false })
            throw Refuse.NotFound($"you have no deployment \"{deployment}\" on this node", "deployment");
        WorkloadRow? row = parts.Store.Workload(new WorkloadId(tenant, deployment, machine));
        return row is { Type: WorkloadRow.Zmachine, Removed: false } ? row : throw Refuse.NotFound($"\"{deployment}\" has no machine \"{machine}\"", "machine");
    }
}
