using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client.Deploying;

/// <summary>
/// Waits for one machine by listening to the node's events. The node is asked once before: what is so already costs no stream, of which a key has few.
/// </summary>
public static class MachineWait
{
    /// <summary>How a machine is now.</summary>
    /// <exception cref="ClientException">Its deployment has no such machine.</exception>
    public static async Task<WorkloadStatus> StatusAsync(NodeClient node, MachineName machine, CancellationToken cancellation) =>
        Find(await node.InsistAsync(c => node.DeploymentAsync(machine.Deployment, c), cancellation), machine);

    /// <summary>A machine in the status of its deployment.</summary>
    /// <exception cref="ClientException">There is none of that name.</exception>
    public static WorkloadStatus Find(DeploymentStatus status, MachineName machine) => status.Workloads.FirstOrDefault(w => w.Name == machine.Machine)
        ?? throw new ClientException($"\"{machine.Deployment}\" has no machine \"{machine.Machine}\"");

    /// <summary>Whether it stays as it is until somebody wants something of it.</summary>
    public static bool IsAtRest(WorkloadStatus status) => status.State is WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.Failed;

    /// <summary>Returns when a machine is at rest: it was stopped, has ended and its restart policy leaves it so, or failed for good.</summary>
    /// <exception cref="ClientException">It is gone.</exception>
    public static Task<WorkloadStatus> UntilAtRestAsync(NodeClient node, MachineName machine, CancellationToken cancellation) =>
        UntilAsync(node, machine, IsAtRest, cancellation);

    /// <summary>
    /// Returns when the program of a machine runs or has run, in its present life or, if <paramref name="again"/>, in one after so many starts.
    /// </summary>
    /// <exception cref="ClientException">It does not run: something keeps it from running, which the node may try again.</exception>
    public static Task<WorkloadStatus> UntilStartedAsync(NodeClient node, MachineName machine, int startsBefore, bool again, CancellationToken cancellation) =>
        UntilAsync(node, machine, status =>
        {
            bool started = status.Starts > startsBefore;
            return status.State switch
            {
                WorkloadState.Running => started || !again,
                WorkloadState.Exited when started => true,
                // It ran and has ended; these two say that it did not run.
                WorkloadState.BackingOff when started && status.Reason is not ("setup-failed" or "not-booted") => true,
                WorkloadState.BackingOff or WorkloadState.Failed or WorkloadState.Stopped => throw DoesNotRun(machine, status),
                _ => false,
            };
        }, cancellation);

    private static async Task<WorkloadStatus> UntilAsync(NodeClient node, MachineName machine, Func<WorkloadStatus, bool> done, CancellationToken cancellation)
    {
        WorkloadStatus now = await StatusAsync(node, machine, cancellation);
        if (done(now))
            return now;
        return Find(await DeploymentWait.UntilAsync(node, machine.Deployment, null, s => done(Find(s, machine)), cancellation), machine);
    }

    private static ClientException DoesNotRun(MachineName machine, WorkloadStatus status) => new(
        $"{machine.Deployment}/{machine.Machine} does not run: {status.Message ?? status.Reason ?? "it was stopped"}"
            + (status.State == WorkloadState.BackingOff ? "; the node tries again" : ""));
}
