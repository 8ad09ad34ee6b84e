using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

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
                Workloads = [.. view.Workloads.Where(w => w.Id.Deployment == row.Content.Name).Select(w => Status(w, view, parts.Ready.GetValueOrDefault(w.Id)))],
                Deleting = row.Deleting,
            };
        }
    }

    private static WorkloadStatus Status(WorkloadRow row, TenantView view, IImage? image)
    {
        Dictionary<string, string> addresses = view.Addresses.Where(a => a.Deployment == row.Id.Deployment && a.Machine == row.Id.Name)
            .ToDictionary(a => a.Network, a => Ipv4Range.Text(a.Address));
        // While chunks do not come, the machine waits in the middle of a read: its status says why.
        (string Reason, string Message)? trouble = row.State is WorkloadState.Preparing or WorkloadState.Running ? image?.Trouble : null;
        return new WorkloadStatus
        {
            Name = row.Id.Name,
            Type = row.Type,
            State = row.State,
            Reason = row.Reason ?? trouble?.Reason,
            Message = row.Reason is null && trouble is { } t ? GuestSpecBuilder.Clean(t.Message) : row.Message,
            Attempt = row.Attempt,
            NextRetry = row.NextRetry,
            ExitCode = row.ExitCode,
            Starts = row.Starts,
            Addresses = addresses.Count == 0 ? null : addresses,
            ImageBytesFetched = image?.BytesFetched,
            ImageBytesTotal = image?.BytesTotal,
        };
    }

    private static Deployment WithoutSecrets(Deployment deployment) => deployment with
    {
        Workloads = [.. deployment.Workloads.Select(w => w is ZmachineWorkload m ? m with { Data = m.Data with { Flist = m.Data.Flist with { Auth = null } } } : w)],
    };
}
