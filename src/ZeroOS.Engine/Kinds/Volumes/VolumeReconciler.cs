using System.Globalization;

using Microsoft.Data.Sqlite;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Volumes;

/// <summary>One tenant's volumes.</summary>
internal sealed class VolumeReconciler(TenantSteps steps) : IKindReconciler
{
    // How long a monitor that ended may still hold a disk: PID 1 keeps it until the end is stored.
    private static readonly TimeSpan s_untilClosed = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public void StepUp(TenantView view)
    {
        foreach (WorkloadRow row in view.Workloads.Where(w => w is { Type: WorkloadRow.Zmount, Removed: false }))
        {
            if (view.Volumes.FirstOrDefault(v => v.Id == row.Id) is not { Destroying: false } volume)
                continue;
            long size = DiskSizes.Rounded(volume.SizeBytes);
            string made = size.ToString(CultureInfo.InvariantCulture);
            if ((steps.MadeFrom(row.Id) == made && row.State == WorkloadState.Running) || row.State == WorkloadState.Failed || steps.Waits(row))
                continue;
            steps.Try(row.Id, () =>
            {
                steps.Parts.Volumes.Ensure(row.Id, size);
                steps.SetMadeFrom(row.Id, made);
                steps.Well(row.Id);
            });
        }
    }

    /// <inheritdoc/>
    public void StepDown(TenantView view)
    {
        foreach (WorkloadRow row in view.Workloads.Where(w => w is { Type: WorkloadRow.Zmount, Removed: true }))
        {
            if (!view.Workloads.Any(w => w.Type == WorkloadRow.Zmachine && w.Id.Deployment == row.Id.Deployment))
                steps.Parts.Store.RemoveWorkload(row.Id);
        }
        foreach (VolumeRow volume in view.Volumes.Where(v => v.Destroying))
        {
            if (!MayBeOpen(view, volume))
                Destroy(volume);
        }
    }

    // A machine that is still on its way out may have it open.
    private bool MayBeOpen(TenantView view, VolumeRow volume) =>
        view.Workloads.Any(w => w.Id.Deployment == volume.Id.Deployment && w.Live && (w.Removed || steps.Stopping.Contains(w.Id)));

    private void Destroy(VolumeRow volume)
    {
        try
        {
            steps.SetMadeFrom(volume.Id, null);
            steps.Parts.Volumes.Destroy(volume.Id);
            steps.Parts.Store.RemoveVolume(volume.Id);
        }
        catch (Exception e) when (e is not SqliteException)
        {
            steps.Parts.Log.Warn($"event=volume-not-destroyed volume={steps.Parts.Names.Of(volume.Id)} message=\"{e.Message}\"");
            steps.Due(steps.Now + (e is WorkloadException { Reason: "volume-in-use" } ? s_untilClosed : BackOff.Longest));
        }
    }
}
