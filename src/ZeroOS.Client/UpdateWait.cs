using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Client;

/// <summary>
/// Waits for a node's update by listening to its events: the status is asked for once, and again after each event about it. It goes on over the node's restart,
/// however long that takes.
/// </summary>
public static class UpdateWait
{
    /// <summary>
    /// Returns how the update to <paramref name="version"/> ended. <paramref name="progress"/> is told each state, and null when the node is out of reach.
    /// </summary>
    public static async Task<UpdateStatus> UntilEndedAsync(NodeClient node, string version, Action<UpdateStatus?> progress, TimeProvider clock,
        CancellationToken cancellation)
    {
        Reconnection reconnection = new(node.Bus, clock) { Patience = TimeSpan.MaxValue, StartsAgain = true, Lost = () => progress(null) };
        bool watched = false, restarted = false;
        UpdateStatus? last = null;
        await foreach (NodeEvent one in node.EventsAsync(new EventsWatch { New = true, Follow = true, Progress = true }, reconnection, cancellation))
        {
            if (one.Kind == EventKinds.UpdateProgress && last is not null)
                progress(last = last with { DoneBytes = one.DoneBytes ?? 0, TotalBytes = one.TotalBytes ?? 0, Message = one.Message });
            if (one.Kind is not (EventKinds.Watching or EventKinds.NodeUpdate or EventKinds.NodeReady))
                continue;
            // The stream begins once, and again after each break.
            restarted |= one.Kind == EventKinds.NodeReady || (watched && one.Kind == EventKinds.Watching);
            watched = true;
            NodeStatus now = await reconnection.InsistAsync(node.StatusAsync, cancellation);
            last = now.Update?.Version == version ? now.Update : null;
            if (last is { State: UpdateState.Kept or UpdateState.Failed })
                return last;
            if (last is not null)
                progress(last);
            restarted |= last is { State: UpdateState.Trial };
            // A node without a disk remembers nothing over a restart: what it runs is all there is to see.
            if (restarted && now is { Update: null, Stage: "ready" }
                && (await reconnection.InsistAsync(node.InfoAsync, cancellation)).Version is var runs && runs != version)
                return Forgotten(version, runs);
        }
        throw new ClientException("the node ended its events; zos node status shows how far the update is");
    }

    private static UpdateStatus Forgotten(string version, string runs) => new()
    {
        State = UpdateState.Failed,
        Version = version,
        From = runs,
        Reason = "forgotten",
        Message = "the node is back with the version from before and does not remember why",
    };
}
