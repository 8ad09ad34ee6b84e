using System.Collections.Concurrent;

using Microsoft.Data.Sqlite;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

/// <summary>
/// What the reconcilers of one tenant share: a step that may fail for itself alone, when to look again, and what is there. Belongs to the tenant's worker, but
/// for <see cref="Wake"/> and <see cref="MachineEvents"/>.
/// </summary>
internal sealed class TenantSteps(EngineParts parts, string tenant, IReadOnlyList<WorkloadId> running, IReadOnlyList<WorkloadId> ending, Action wake)
{
    private const int MaxMessage = 300;
    private readonly Dictionary<WorkloadId, string> _there = [];

    /// <summary>What every tenant's reconciler works with.</summary>
    public EngineParts Parts { get; } = parts;

    /// <summary>Whose workloads.</summary>
    public string Tenant { get; } = tenant;

    /// <summary>Machines that ran when the node started.</summary>
    public IReadOnlyList<WorkloadId> Running { get; } = running;

    /// <summary>Machines that had ended when the node started, and whose end is not heard yet.</summary>
    public IReadOnlyList<WorkloadId> Ending { get; } = ending;

    /// <summary>What happened to machines, to be dealt with in the next pass.</summary>
    public ConcurrentQueue<MachineEvent> MachineEvents { get; } = new();

    /// <summary>Machines that were asked to stop and have not ended.</summary>
    public HashSet<WorkloadId> Stopping { get; } = [];

    /// <summary>When to look again without being woken.</summary>
    public DateTimeOffset? NextLook { get; private set; }

    /// <summary>Now, by the store's clock.</summary>
    public DateTimeOffset Now => Parts.Time.GetUtcNow();

    /// <summary>Another pass as soon as possible; from any thread.</summary>
    public void Wake() => wake();

    /// <summary>A pass begins.</summary>
    public void Begin() => NextLook = null;

    /// <summary>What a workload was made from in this life of the node: a network's range, a volume's size; null while it is not there.</summary>
    public string? MadeFrom(WorkloadId id) => _there.GetValueOrDefault(id);

    /// <summary>A workload is there, or with null no longer.</summary>
    public void SetMadeFrom(WorkloadId id, string? what)
    {
        if (what is null)
            _there.Remove(id);
        else
            _there[id] = what;
    }

    /// <summary>Whether a machine's cards are, or were, in a network.</summary>
    public static bool IsInNetwork(WorkloadRow machine, WorkloadId network) =>
        machine.AttachedNetworks.Any(n => machine.Id.Named(n) == network);

    /// <summary>A workload is up, and what went wrong with it before is over.</summary>
    public void Well(WorkloadId id) => Parts.Store.Change(id, r => r.Removed ? r
        : r with { State = WorkloadState.Running, Reason = null, Message = null, Attempt = 0, NextRetry = null });

    /// <summary>Whether a workload waits for its next try; if so, the pass is due then.</summary>
    public bool Waits(WorkloadRow row)
    {
        if (row.NextRetry is not { } at || at <= Now)
            return false;
        // The clock may have been set back meanwhile; nothing waits longer than the longest wait.
        if (at - Now > BackOff.Longest)
            return false;
        Due(at);
        return true;
    }

    /// <summary>Look again at that time, or earlier.</summary>
    public void Due(DateTimeOffset at)
    {
        if (NextLook is null || at < NextLook)
            NextLook = at;
    }

    /// <summary>
    /// Does one step of one workload; a failure is its status and its next try, and nobody else's matter. The store's own failures end the pass.
    /// </summary>
    public void Try(WorkloadId id, Action step, Func<WorkloadRow, bool>? keeps = null)
    {
        try
        {
            step();
        }
        catch (WorkloadException e)
        {
            Failed(id, e.Reason, HostileText.Plain(e.Message, MaxMessage), e.Permanent, keeps);
        }
        catch (Exception e) when (e is not SqliteException)
        {
            Parts.Log.Warn($"event=workload-failed workload={Parts.Names.Of(id)} error={e.GetType().Name} message=\"{e.Message}\"");
            Failed(id, "internal", "something on the node failed; it is tried again", permanent: false, keeps);
        }
    }

    private void Failed(WorkloadId id, string reason, string message, bool permanent, Func<WorkloadRow, bool>? keeps)
    {
        WorkloadRow? row = Parts.Store.Change(id, r =>
        {
            int attempt = r.Attempt + 1;
            WorkloadRow later = r with { Attempt = attempt, NextRetry = Now + Parts.BackOff.After(attempt) };
            WorkloadRow failed = later with { Reason = reason, Message = message };
            if (r.Removed || keeps?.Invoke(r) == true)
                return failed;
            return permanent ? failed with { State = WorkloadState.Failed, Attempt = 0, NextRetry = null } : failed with { State = WorkloadState.BackingOff };
        });
        if (row?.NextRetry is { } at)
            Due(at);
        else
            Due(row is null ? Now + BackOff.Longest : Now);     // failed for good: look once more, it may have cards to give back
    }
}
