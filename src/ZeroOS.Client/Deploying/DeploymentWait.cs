using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client.Deploying;

/// <summary>
/// Waits for a deployment by listening to the node's events: the deployment is asked for once, and again after each event about it and each break of the
/// connection.
/// </summary>
public static class DeploymentWait
{
    /// <summary>Returns when every workload is running, has exited, or was stopped.</summary>
    /// <exception cref="ClientException">One failed for good.</exception>
    public static Task<DeploymentStatus> UntilRunningAsync(NodeClient node, string name, IWaitObserver observer, CancellationToken cancellation) =>
        UntilAsync(node, name, observer, status => Runs(name, status), cancellation);

    /// <summary>As <see cref="UntilRunningAsync"/>, and every machine that has a health check is healthy.</summary>
    /// <exception cref="ClientException">One failed for good, or is unhealthy.</exception>
    public static Task<DeploymentStatus> UntilHealthyAsync(NodeClient node, string name, IWaitObserver observer, CancellationToken cancellation) =>
        UntilAsync(node, name, observer, status =>
        {
            if (status.Workloads.FirstOrDefault(w => w.Health is { State: HealthState.Unhealthy }) is { } ill)
                throw new ClientException(
                    $"{name}/{ill.Name} is unhealthy: {(ill.Health!.Results is [.., { } last] ? last.Output.Trim() : "its guest says no reason")}");
            return Runs(name, status) && status.Workloads.All(w => w.Health is null or { State: HealthState.Healthy });
        }, cancellation);

    /// <summary>Returns the exit code of a machine once it has ended; null when it has none.</summary>
    public static async Task<int?> UntilEndedAsync(NodeClient node, string name, string machine, CancellationToken cancellation)
    {
        DeploymentStatus status = await UntilAsync(node, name, null,
            s => Find(s) is null or { State: WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.Failed }, cancellation);
        return Find(status)?.ExitCode;

        WorkloadStatus? Find(DeploymentStatus s) => s.Workloads.FirstOrDefault(w => w.Name == machine);
    }

    private static bool Runs(string name, DeploymentStatus status)
    {
        if (status.Workloads.FirstOrDefault(w => w.State == WorkloadState.Failed) is WorkloadStatus failed)
            throw new ClientException(
                $"{name}/{failed.Name} failed: {failed.Message ?? failed.Reason ?? "the node says no reason"}; zos get {name} shows everything");
        return status.Workloads.All(w => w.State is WorkloadState.Running or WorkloadState.Exited or WorkloadState.Stopped);
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
