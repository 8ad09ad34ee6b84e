using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>The images of one tenant's machines, made ready while the worker does something else.</summary>
internal sealed class MachineImages(TenantSteps steps)
{
    /// <summary>The image if it is ready; otherwise it is being made ready, and the worker is woken when it is.</summary>
    public IImage? Ready(WorkloadId id, MachineProgress machine, FlistReference flist)
    {
        if (machine.ImageDigest != flist.Digest)
            machine.DropImage();
        if (machine.Image is null)
        {
            machine.Cancel = new CancellationTokenSource();
            machine.ImageDigest = flist.Digest;
            CancellationToken cancellation = machine.Cancel.Token;
            machine.Image = Prepare(flist, cancellation);
            machine.Image.ContinueWith(static (_, waiting) => ((TenantSteps)waiting!).Wake(), steps, cancellation, TaskContinuationOptions.None,
                TaskScheduler.Default);
        }
        if (!machine.Image.IsCompleted)
            return null;
        Task<IImage> done = machine.Image;
        if (!done.IsCompletedSuccessfully)
        {
            machine.DropImage();
            throw done.Exception?.InnerException ?? new WorkloadException("image-cancelled", "making the image ready was given up");
        }
        if (steps.Parts.Ready.TryGetValue(id, out IImage? known) && ReferenceEquals(known, done.Result))
            return known;
        try
        {
            CountImage(done.Result);
            done.Result.Allow();
        }
        catch
        {
            machine.DropImage();
            throw;
        }
        return steps.Parts.Ready[id] = done.Result;
    }

    private async Task<IImage> Prepare(FlistReference flist, CancellationToken cancellation) =>
        await steps.Parts.Images.PrepareAsync(steps.Tenant, flist, cancellation).ConfigureAwait(false);

    /// <summary>An image's size is known only now; it counts against the grant and the node like any disk.</summary>
    private void CountImage(IImage image) => steps.Parts.Store.Write(() =>
    {
        long before = steps.Parts.Store.Use(steps.Tenant).Storage, all = steps.Parts.Store.Use(null).Storage;
        steps.Parts.Store.SetImage(steps.Tenant, image.Digest, image.BytesCounted);
        long more = steps.Parts.Store.Use(steps.Tenant).Storage - before;
        long granted = steps.Parts.Store.Grant(steps.Tenant)?.Grant.Storage.Bytes ?? 0;
        if (more > 0 && before + more > granted)
            throw new WorkloadException("over-capacity",
                $"the image takes {BinarySizes.Text(more)}; of your grant's storage {BinarySizes.Text(Math.Max(0, granted - before))} are left");
        if (more > 0 && all + more > steps.Parts.Limits.Capacity.Storage.Bytes)
            throw new WorkloadException("over-capacity", $"the image takes {BinarySizes.Text(more)}, which the node has not left");
    });
}
