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
    public static WorkloadStatus Find(DeploymentStatus status, MachineName machine) => TryFind(status, machine) ?? throw NoMachine(machine);

    /// <summary>Whether it stays as it is until somebody wants something of it.</summary>
    public static bool IsAtRest(WorkloadStatus status) => status.State is WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.Failed;

    /// <summary>
    /// Returns when a machine is at rest: it was stopped, has ended and its restart policy leaves it so, or failed for good. One that is gone has the exit code
    /// that the node told when it went.
    /// </summary>
    /// <exception cref="BusErrorException">not-found: it never was, or is not remembered.</exception>
    public static Task<WorkloadStatus> UntilAtRestAsync(NodeClient node, MachineName machine, CancellationToken cancellation) =>
        UntilAsync(node, machine, IsAtRest, cancellation);

    /// <summary>
    /// Returns when the program of a machine runs or has run, in its present life or, if <paramref name="again"/>, in one after so many starts.
    /// </summary>
    /// <exception cref="ClientException">It does not run: something keeps it from running, which the node may try again.</exception>
    public static async Task<WorkloadStatus> UntilStartedAsync(NodeClient node, MachineName machine, int startsBefore, bool again,
        CancellationToken cancellation)
    {
        WorkloadStatus now = await UntilAsync(node, machine, status =>
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
        return now is { State: WorkloadState.Deleting, ExitCode: null } ? throw DoesNotRun(machine, now) : now;
    }

    private static async Task<WorkloadStatus> UntilAsync(NodeClient node, MachineName machine, Func<WorkloadStatus, bool> done, CancellationToken cancellation)
    {
        WorkloadStatus? now;
        try
        {
            now = TryFind(await node.InsistAsync(c => node.DeploymentAsync(machine.Deployment, c), cancellation), machine);
            if (now is not null && !done(now))
                now = TryFind(await DeploymentWait.UntilAsync(node, machine.Deployment, null, s => TryFind(s, machine) is not { } it || done(it), cancellation),
                    machine);
        }
        catch (BusErrorException e) when (e.Error.Code == ErrorCodes.NotFound)
        {
            if (await WentAsync(node, machine, cancellation) is WorkloadStatus gone)
                return gone;
            throw;
        }
        // A deployment that goes is there for a moment longer than its machine.
        return now ?? await WentAsync(node, machine, cancellation) ?? throw NoMachine(machine);
    }

    /// <summary>How a machine was when it went, as the events say that the node keeps; null: they do not.</summary>
    private static async Task<WorkloadStatus?> WentAsync(NodeClient node, MachineName machine, CancellationToken cancellation)
    {
        NodeEvent? last = null;
        await foreach (NodeEvent one in node.EventsAsync(new EventsWatch(), cancellation))
        {
            if (one.Kind == EventKinds.WorkloadRemoved && one.Deployment == machine.Deployment && one.Workload == machine.Machine)
                last = one;
        }
        return last is null ? null
            : new WorkloadStatus { Name = machine.Machine, Type = "zmachine", State = WorkloadState.Deleting, ExitCode = last.ExitCode };
    }

    private static WorkloadStatus? TryFind(DeploymentStatus status, MachineName machine) => status.Workloads.FirstOrDefault(w => w.Name == machine.Machine);

    private static ClientException NoMachine(MachineName machine) => new($"\"{machine.Deployment}\" has no machine \"{machine.Machine}\"");

    private static ClientException DoesNotRun(MachineName machine, WorkloadStatus status) => new(
        $"{machine.Deployment}/{machine.Machine} does not run: "
            + (status.Message ?? status.Reason ?? (status.State == WorkloadState.Deleting ? "it was deleted" : "it was stopped"))
            + (status.State == WorkloadState.BackingOff ? "; the node tries again" : ""));
}
