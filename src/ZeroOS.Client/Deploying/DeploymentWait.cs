using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client.Deploying;

/// <summary>
/// Waits for a deployment by listening to the node's events: the deployment is asked for once, and again after each event about it and each break of the
/// connection.
/// </summary>
public static class DeploymentWait
{
    /// <summary>
    /// Returns when every workload of a deployment that was stored is running, has exited, or was stopped. One that goes with its machine may be gone by then,
    /// and is told as it last was.
    /// </summary>
    /// <exception cref="ClientException">One failed for good.</exception>
    public static Task<DeploymentStatus> UntilRunningAsync(NodeClient node, DeploymentStatus stored, IWaitObserver observer, CancellationToken cancellation) =>
        UntilStoredAsync(node, stored, observer, _ => true, cancellation);

    /// <summary>As <see cref="UntilRunningAsync"/>, and every machine that has a health check is healthy.</summary>
    /// <exception cref="ClientException">One failed for good, or is unhealthy.</exception>
    public static Task<DeploymentStatus> UntilHealthyAsync(NodeClient node, DeploymentStatus stored, IWaitObserver observer, CancellationToken cancellation) =>
        UntilStoredAsync(node, stored, observer, status => status.Workloads.FirstOrDefault(w => w.Health is { State: HealthState.Unhealthy }) is not { } ill
            ? status.Workloads.All(w => w.Health is null or { State: HealthState.Healthy })
            : throw new ClientException($"{stored.Deployment.Name}/{ill.Name} is unhealthy: "
                + (ill.Health!.Results is [.., { } last] ? last.Output.Trim() : "its guest says no reason")), cancellation);

    private static async Task<DeploymentStatus> UntilStoredAsync(NodeClient node, DeploymentStatus stored, IWaitObserver observer,
        Func<DeploymentStatus, bool> isWell, CancellationToken cancellation)
    {
        string name = stored.Deployment.Name;
        DeploymentStatus last = stored;
        try
        {
            return await UntilAsync(node, name, observer, status =>
            {
                last = status;
                if (status.Workloads.FirstOrDefault(w => w.State == WorkloadState.Failed) is WorkloadStatus failed)
                    throw new ClientException(
                        $"{name}/{failed.Name} failed: {failed.Message ?? failed.Reason ?? "the node says no reason"}; zos get {name} shows everything");
                return status.Deleting || (isWell(status)
                    && status.Workloads.All(w => w.State is WorkloadState.Running or WorkloadState.Exited or WorkloadState.Stopped));
            }, cancellation);
        }
        catch (BusErrorException e) when (e.Error.Code == ErrorCodes.NotFound
            && stored.Deployment.Workloads.OfType<ZmachineWorkload>().Any(m => m.Data.Remove == RemovePolicy.OnExit))
        {
            return last;
        }
    }

    /// <summary>
    /// Returns when a deployment is gone, or after that time, or when the node does not tell: it goes without anybody waiting for it.
    /// </summary>
    public static async Task UntilGoneAsync(NodeClient node, string name, TimeSpan patience, CancellationToken cancellation)
    {
        using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        ends.CancelAfter(patience);
        try
        {
            await UntilAsync(node, name, null, _ => false, ends.Token);
        }
        catch (Exception e) when (e is BusErrorException or ClientException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // not-found: gone; else it was waited for long enough
        }
    }

    /// <summary>Returns what the node said of a deployment when <paramref name="done"/> was content with it.</summary>
    internal static async Task<DeploymentStatus> UntilAsync(NodeClient node, string name, IWaitObserver? observer, Func<DeploymentStatus, bool> done,
        CancellationToken cancellation)
    {
        // The first piece says that everything from now on will be told: what the answer to the question behind it does not show yet comes as an event.
        EventsWatch watch = new() { New = true, Follow = true, Progress = observer is not null };
        await foreach (NodeEvent one in node.EventsAsync(watch, cancellation))
        {
            if (one.Kind == EventKinds.ImageProgress && one.Deployment == name)
                observer?.Fetching(one.Workload ?? "", one.DoneBytes ?? 0, one.TotalBytes ?? 0);
            if (one.Kind != EventKinds.Watching && (one.Kind == EventKinds.ImageProgress || one.Deployment != name))
                continue;
            DeploymentStatus status = await node.InsistAsync(c => node.DeploymentAsync(name, c), cancellation);
            foreach (WorkloadStatus workload in status.Workloads)
                observer?.Changed(workload);
            if (done(status))
                return status;
        }
        throw new ClientException("the node ended its events; ask again in a moment");
    }
}
