using System.Collections.Concurrent;

using Microsoft.Data.Sqlite;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

/// <summary>
/// Brings what one tenant has closer to what they asked for: networks, then volumes, then machines; what goes, in reverse. <see cref="Pass"/> looks at
/// everything, does what can be done now and says when to look again. It belongs to one worker; others only leave events and wake it. What must survive a
/// death at any line is stored before it is done, and every step may be done twice.
/// </summary>
internal sealed partial class TenantReconciler
{
    private readonly EngineParts _parts;
    private readonly string _tenant;
    private readonly ConcurrentQueue<MachineNews> _news = new();
    private readonly Dictionary<WorkloadId, string> _networks = [];
    private readonly Dictionary<WorkloadId, long> _volumes = [];
    private readonly Dictionary<WorkloadId, MachineHand> _machines = [];
    private readonly HashSet<WorkloadId> _unacknowledged = [];
    private DateTimeOffset? _due;

    public TenantReconciler(EngineParts parts, string tenant, IEnumerable<WorkloadId> running, IEnumerable<WorkloadId> ending)
    {
        _parts = parts;
        _tenant = tenant;
        foreach (WorkloadId machine in running)
            _machines[machine] = new MachineHand { Running = true };
        foreach (WorkloadId machine in ending)
            _machines[machine] = new MachineHand { Running = true, Ending = true };
    }

    /// <summary>Set while there is reason to look again at once.</summary>
    public SemaphoreSlim Wanted { get; } = new(1);

    /// <summary>Look again as soon as possible.</summary>
    public void Wake()
    {
        // Two wakers at once leave a count of two: one look too many, never one too few.
        if (Wanted.CurrentCount == 0)
            Wanted.Release();
    }

    /// <summary>Something happened to a machine; it is dealt with in the next pass.</summary>
    public void Tell(MachineNews news)
    {
        _news.Enqueue(news);
        Wake();
    }

    /// <summary>Makes the networks alone: at a start, before ports are published.</summary>
    public void EnsureNetworks() => EnsureNetworks(_parts.Store.Tenant(_tenant));

    /// <summary>One look at everything. Answers when to look again without being woken, or null.</summary>
    public DateTimeOffset? Pass()
    {
        _due = null;
        TenantView view = _parts.Store.Tenant(_tenant);
        Dictionary<WorkloadId, Wish> wishes = Wishes(view);
        IReadOnlyDictionary<WorkloadId, string> held = GrantRules.Held(view);
        HearNews(wishes, held);
        Acknowledge();

        view = _parts.Store.Tenant(_tenant);
        EnsureNetworks(view);
        EnsureVolumes(view);
        foreach (WorkloadRow row in view.Workloads.Where(w => w.Type == WorkloadRow.Zmachine))
            Try(row.Id, () => Machine(row.Id, wishes.GetValueOrDefault(row.Id), held.GetValueOrDefault(row.Id)), KeepsState);
        StopStrangers(view);
        TakeDown();
        if (_parts.Publisher.Refresh() is { } retry)
            Due(retry);
        return _due;
    }

    private DateTimeOffset Now => _parts.Time.GetUtcNow();

    private static Dictionary<WorkloadId, Wish> Wishes(TenantView view)
    {
        Dictionary<WorkloadId, Wish> wishes = [];
        foreach (DeploymentRow deployment in view.Deployments.Where(d => !d.Deleting))
        {
            List<AddressRow> addresses = [.. view.Addresses.Where(a => a.Deployment == deployment.Content.Name)];
            foreach (ZmachineWorkload machine in deployment.Content.Workloads.OfType<ZmachineWorkload>())
            {
                wishes[new WorkloadId(view.Tenant, deployment.Content.Name, machine.Name)] =
                    new Wish(deployment.Content, machine, addresses, MachineFingerprint.Of(deployment.Content, machine, addresses));
            }
        }
        return wishes;
    }

    private void EnsureNetworks(TenantView view)
    {
        foreach (DeploymentRow deployment in view.Deployments.Where(d => !d.Deleting))
        {
            foreach (NetworkWorkload network in deployment.Content.Workloads.OfType<NetworkWorkload>())
            {
                WorkloadId id = new(_tenant, deployment.Content.Name, network.Name);
                if (view.Workloads.FirstOrDefault(w => w.Id == id) is not { } row || (_networks.GetValueOrDefault(id) == network.Data.Range && row.State == WorkloadState.Running))
                    continue;
                if (row.State == WorkloadState.Failed || Waits(row))
                    continue;
                Try(id, () => EnsureNetwork(row, network.Data, view));
            }
        }
    }

    private void EnsureNetwork(WorkloadRow row, NetworkData data, TenantView view)
    {
        if (row.Fingerprint.Length > 0 && row.Fingerprint != data.Range)
        {
            // Another range is another network: its machines, whose fingerprints changed with it, are being stopped first.
            if (view.Workloads.Any(w => IsInNetwork(w, row.Id)))
                return;
            _parts.Publisher.NetworkGone(row.Id);
            _networks.Remove(row.Id);
            _parts.Networks.Remove(row.Id);
        }
        // The range is stored first: after a death in between, what was made of it is known and can be removed.
        _parts.Store.Change(row.Id, r => r with { Fingerprint = data.Range });
        _parts.Networks.Ensure(row.Id, data);
        _networks[row.Id] = data.Range;
        _parts.Publisher.NetworkReady(row.Id);
        Well(row.Id);
    }

    private void EnsureVolumes(TenantView view)
    {
        foreach (WorkloadRow row in view.Workloads.Where(w => w is { Type: WorkloadRow.Zmount, Removed: false }))
        {
            if (view.Volumes.FirstOrDefault(v => v.Id == row.Id) is not { Destroying: false } volume)
                continue;
            long size = Rounded(volume.SizeBytes);
            if ((_volumes.GetValueOrDefault(row.Id) == size && row.State == WorkloadState.Running) || row.State == WorkloadState.Failed || Waits(row))
                continue;
            Try(row.Id, () =>
            {
                _parts.Volumes.Ensure(row.Id, size);
                _volumes[row.Id] = size;
                Well(row.Id);
            });
        }
    }

    /// <summary>Networks, volumes and deployments whose machines are gone.</summary>
    private void TakeDown()
    {
        TenantView view = _parts.Store.Tenant(_tenant);
        foreach (WorkloadRow row in view.Workloads.Where(w => w.Removed))
        {
            if (row.Type == WorkloadRow.Network && !view.Workloads.Any(w => IsInNetwork(w, row.Id)) && !Waits(row))
            {
                Try(row.Id, () =>
                {
                    _parts.Publisher.NetworkGone(row.Id);
                    _networks.Remove(row.Id);
                    _parts.Networks.Remove(row.Id);
                    _parts.Store.RemoveWorkload(row.Id);
                });
            }
            if (row.Type == WorkloadRow.Zmount && !view.Workloads.Any(w => w.Type == WorkloadRow.Zmachine && w.Id.Deployment == row.Id.Deployment))
                _parts.Store.RemoveWorkload(row.Id);
        }
        foreach (VolumeRow volume in view.Volumes.Where(v => v.Destroying))
        {
            // A machine that is still on its way out may have it open.
            if (view.Workloads.Any(w => w.Id.Deployment == volume.Id.Deployment && w.Live && (w.Removed || _machines.GetValueOrDefault(w.Id)?.StopSent == true)))
                continue;
            try
            {
                _volumes.Remove(volume.Id);
                _parts.Volumes.Destroy(volume.Id);
                _parts.Store.RemoveVolume(volume.Id);
            }
            catch (Exception e) when (e is not SqliteException)
            {
                _parts.Log($"engine: destroying volume {volume.Id.Short} failed: {e.Message}");
                Due(Now + BackOff.Longest);
            }
        }
        view = _parts.Store.Tenant(_tenant);
        foreach (DeploymentRow deployment in view.Deployments.Where(d => d.Deleting && !view.Workloads.Any(w => w.Id.Deployment == d.Content.Name)))
        {
            _parts.Store.Write(() =>
            {
                _parts.Store.RemoveDeployment(_tenant, deployment.Content.Name);
                _parts.Store.AddEvent(_tenant, "deployment-deleted", deployment.Content.Name);
            });
        }
    }

    /// <summary>Machines that run and that nobody asked for: left by a store that was lost.</summary>
    private void StopStrangers(TenantView view)
    {
        foreach ((WorkloadId id, MachineHand hand) in _machines)
        {
            if (hand is { Running: true, StopSent: false, Ending: false } && view.Workloads.All(w => w.Id != id))
                Try(id, () => Stop(id, hand, null));
        }
    }

    private static bool IsInNetwork(WorkloadRow machine, WorkloadId network) =>
        machine.Id.Deployment == network.Deployment && machine.AttachedNetworks.Contains(network.Name);

    private static long Rounded(long bytes) => (bytes + 4095) & ~4095L;

    private void Well(WorkloadId id) => _parts.Store.Change(id, r => r.Removed ? r
        : r with { State = WorkloadState.Running, Reason = null, Message = null, Attempt = 0, NextRetry = null });

    private bool Waits(WorkloadRow row)
    {
        if (row.NextRetry is not { } at || at <= Now)
            return false;
        // The clock may have been set back meanwhile; nothing waits longer than the longest wait.
        if (at - Now > BackOff.Longest)
            return false;
        Due(at);
        return true;
    }

    private void Due(DateTimeOffset at)
    {
        if (_due is null || at < _due)
            _due = at;
    }

    /// <summary>Does one step of one workload; a failure is its status and its next try, and nobody else's matter. The store's own failures end the pass.</summary>
    private void Try(WorkloadId id, Action step, Func<WorkloadRow, bool>? keeps = null)
    {
        try
        {
            step();
        }
        catch (WorkloadException e)
        {
            Failed(id, e.Reason, GuestSpecBuilder.Clean(e.Message), e.Permanent, keeps);
        }
        catch (Exception e) when (e is not SqliteException)
        {
            _parts.Log($"engine: workload {id.Short} failed: {e.GetType().Name}: {e.Message}");
            Failed(id, "internal", "something on the node failed; it is tried again", permanent: false, keeps);
        }
    }

    private void Failed(WorkloadId id, string reason, string message, bool permanent, Func<WorkloadRow, bool>? keeps)
    {
        WorkloadRow? row = _parts.Store.Change(id, r =>
        {
            int attempt = r.Attempt + 1;
            WorkloadRow later = r with { Attempt = attempt, NextRetry = Now + _parts.BackOff.After(attempt) };
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
