using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Networks;

/// <summary>One tenant's networks.</summary>
internal sealed class NetworkReconciler(TenantSteps steps) : IKindReconciler
{
    /// <inheritdoc/>
    public void StepUp(TenantView view)
    {
        foreach (DeploymentRow deployment in view.Deployments.Where(d => !d.Deleting))
        {
            foreach (NetworkWorkload network in deployment.Content.Workloads.OfType<NetworkWorkload>())
            {
                WorkloadId id = new(steps.Tenant, deployment.Content.Name, network.Name);
                if (view.Workloads.FirstOrDefault(w => w.Id == id) is not { } row
                    || (steps.MadeFrom(id) == NetworkKind.Fingerprint(network.Data) && row.State == WorkloadState.Running))
                    continue;
                if (row.State == WorkloadState.Failed || steps.Waits(row))
                    continue;
                steps.Try(id, () => Make(row, network.Data, view));
            }
        }
    }

    /// <inheritdoc/>
    public void StepDown(TenantView view)
    {
        foreach (WorkloadRow row in view.Workloads.Where(w => w is { Type: WorkloadRow.Network, Removed: true }))
        {
            if (view.Workloads.Any(w => TenantSteps.IsInNetwork(w, row.Id)) || steps.Waits(row))
                continue;
            steps.Try(row.Id, () =>
            {
                TakeDown(row.Id);
                steps.Parts.Store.RemoveWorkload(row.Id);
            });
        }
    }

    private void Make(WorkloadRow row, NetworkData data, TenantView view)
    {
        string fingerprint = NetworkKind.Fingerprint(data);
        if (row.Fingerprint.Length > 0 && row.Fingerprint != fingerprint)
        {
            // Its machines, whose fingerprints changed with it, are being stopped first.
            if (view.Workloads.Any(w => TenantSteps.IsInNetwork(w, row.Id)))
                return;
            TakeDown(row.Id);
        }
        // The fingerprint is stored first: after a death in between, what was made of it is known and can be removed.
        steps.Parts.Store.Change(row.Id, r => r with { Fingerprint = fingerprint });
        steps.Parts.Networks.Ensure(row.Id, data);
        steps.SetMadeFrom(row.Id, fingerprint);
        steps.Parts.Publisher.NetworkReady(row.Id);
        steps.Well(row.Id);
    }

    private void TakeDown(WorkloadId network)
    {
        steps.Parts.Publisher.NetworkGone(network);
        steps.SetMadeFrom(network, null);
        steps.Parts.Networks.Remove(network);
    }
}
