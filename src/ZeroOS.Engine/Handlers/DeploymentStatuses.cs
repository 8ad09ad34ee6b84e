using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Handlers;

/// <summary>Deployments as they are told: what was asked for without its secrets, and how it is.</summary>
internal static class DeploymentStatuses
{
    /// <summary>All of a tenant's.</summary>
    public static IEnumerable<DeploymentStatus> All(EngineParts parts, string tenant)
    {
        TenantView view = parts.Store.Tenant(tenant);
        foreach (DeploymentRow row in view.Deployments)
        {
            yield return new DeploymentStatus
            {
                Deployment = WithoutSecrets(row.Content),
                Workloads = [.. view.Workloads.Where(w => w.Id.Deployment == row.Content.Name).Select(w => Status(w, view, parts))],
                Deleting = row.Deleting,
            };
        }
    }

    /// <summary>Without what probes said: of all of a tenant's machines together that is more than one answer holds.</summary>
    public static DeploymentStatus WithoutProbes(DeploymentStatus status) => status with
    {
        Workloads = [.. status.Workloads.Select(w => w.Health is { } health ? w with { Health = health with { Results = null } } : w)],
    };

    /// <summary>The same, with what is kept of the runs of its machines.</summary>
    public static DeploymentStatus WithRuns(DeploymentStatus status, EngineStore store, string tenant)
    {
        ILookup<string, MachineRun> runs = store.Runs(tenant, status.Deployment.Name);
        return status with { Workloads = [.. status.Workloads.Select(w => runs.Contains(w.Name) ? w with { Runs = [.. runs[w.Name]] } : w)] };
    }

    private static WorkloadStatus Status(WorkloadRow row, TenantView view, EngineParts parts) => WorkloadKinds.Of(row.Type).Tell(new WorkloadStatus
    {
        Name = row.Id.Name,
        Type = row.Type,
        State = row.State,
        Reason = row.Reason,
        Message = row.Message,
        Attempt = row.Attempt,
        NextRetry = row.NextRetry,
        ExitCode = row.ExitCode,
        Starts = row.Starts,
        CreatedAt = row.CreatedAt,
    }, row, view, parts);

    private static Deployment WithoutSecrets(Deployment deployment) => deployment with
    {
        Workloads = [.. deployment.Workloads.Select(w => WorkloadKinds.Of(w).WithoutSecrets(w))],
    };
}
