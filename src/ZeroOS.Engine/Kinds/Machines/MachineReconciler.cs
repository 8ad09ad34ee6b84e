using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>One tenant's machines: started, watched, stopped and forgotten. What must survive a death at any line is stored before it is done.</summary>
internal sealed class MachineReconciler : IKindReconciler
{
    // How long a machine that goes waits for those who read its output.
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(10);

    private readonly TenantSteps _steps;
    private readonly EngineParts _parts;
    private readonly MachineImages _images;
    private readonly Dictionary<WorkloadId, MachineProgress> _machines = [];
    private readonly HashSet<WorkloadId> _unacknowledged = [];
    private Dictionary<WorkloadId, WantedMachine> _wanted = [];
    private IReadOnlyDictionary<WorkloadId, string> _held = new Dictionary<WorkloadId, string>();

    public MachineReconciler(TenantSteps steps)
    {
        (_steps, _parts, _images) = (steps, steps.Parts, new MachineImages(steps));
        foreach (WorkloadId machine in steps.Running)
            _machines[machine] = new MachineProgress { Running = true };
        foreach (WorkloadId machine in steps.Ending)
            _machines[machine] = new MachineProgress { Running = true, Ending = true };
    }

    /// <inheritdoc/>
    public void Hear(TenantView view)
    {
        _wanted = Wanted(view);
        _held = GrantRules.Held(view);
        HearNews();
        Acknowledge();
    }

    /// <inheritdoc/>
    public void StepUp(TenantView view)
    {
        foreach (WorkloadRow row in view.Workloads.Where(w => w.Type == WorkloadRow.Zmachine))
            _steps.Try(row.Id, () => Machine(row.Id, _wanted.GetValueOrDefault(row.Id), _held.GetValueOrDefault(row.Id)), KeepsState);
    }

    /// <summary>Machines that run and that nobody asked for: left by a store that was lost.</summary>
    public void StepDown(TenantView view)
    {
        foreach ((WorkloadId id, MachineProgress machine) in _machines)
        {
            if (machine is { Running: true, Ending: false } && !_steps.Stopping.Contains(id) && view.Workloads.All(w => w.Id != id))
                _steps.Try(id, () => Stop(id, null));
        }
    }

    private static Dictionary<WorkloadId, WantedMachine> Wanted(TenantView view)
    {
        Dictionary<WorkloadId, WantedMachine> wanted = [];
        ILookup<(string Deployment, string Machine), AddressRow> addresses = view.Addresses.ToLookup(a => (a.Deployment, a.Machine));
        IReadOnlyDictionary<WorkloadId, Workload> parts = view.Wanted;
        foreach ((WorkloadId id, Workload workload) in parts)
        {
            if (workload is not ZmachineWorkload machine)
                continue;
            Dictionary<string, uint> own = addresses[(id.Deployment, id.Name)].ToDictionary(a => a.Network, a => a.Address);
            wanted[id] = new WantedMachine(id, machine, own, MachineFingerprint.Of(id, machine, own, parts));
        }
        return wanted;
    }

    private void HearNews()
    {
        // Taken off the queue only when stored: a failing store must not lose an exit code.
        while (_steps.MachineEvents.TryPeek(out MachineEvent? happened))
        {
            if (happened.End is { } end)
                HearEnd(happened.Machine, end, _wanted.GetValueOrDefault(happened.Machine), _held.ContainsKey(happened.Machine));
            else
                HearStart(happened.Machine);
            _steps.MachineEvents.TryDequeue(out _);
        }
    }

    private void HearStart(WorkloadId id)
    {
        _parts.Store.Change(id, r => !r.Live || r.StartedAt is not null ? r : r with
        {
            StartedAt = _steps.Now,
            State = r.State is WorkloadState.Preparing or WorkloadState.Pending ? WorkloadState.Running : r.State,
            Reason = null,
            Message = null,
        });
        if (_machines.GetValueOrDefault(id)?.Image is { IsCompletedSuccessfully: true } image)
            image.Result.WorkloadRuns();
    }

    private void HearEnd(WorkloadId id, MachineEnd end, WantedMachine? wanted, bool isHeld)
    {
        MachineProgress machine = Progress(id);
        bool isUnhealthy = IsUnhealthy(id, wanted);
        _parts.Logs.Sync(id);   // whoever finds the end after a power cut finds the last words too
        _parts.Store.Change(id, r =>
        {
            if (!r.Live)
                return r;       // heard before, and the node died before it could say so
            bool unwanted = r.Stopped || r.Removed || isHeld || wanted is null || wanted.Fingerprint != r.Fingerprint;
            bool asked = unwanted || isUnhealthy || _steps.Stopping.Contains(id);
            _parts.Store.AddRun(id, MachineRuns.Of(r, end, asked, _steps.Now));
            if (isUnhealthy && !unwanted)
                return RestartRule.AfterUnhealthy(r, end, _parts.Healths.WasHealthy(id), _steps.Now, _parts.BackOff);
            if (!asked)
                return RestartRule.After(r, end, wanted!.Machine.Data, _steps.Now, _parts.BackOff);
            return r with
            {
                Live = false,
                StartedAt = null,
                EndedAt = _steps.Now,
                ExitCode = end.Workload?.Code ?? r.ExitCode,
                State = r.Removed ? WorkloadState.Deleting : r.Stopped || isHeld ? WorkloadState.Stopped : WorkloadState.Pending,
                Reason = null,
                Message = null,
                Attempt = 0,
                NextRetry = null,
            };
        });
        (machine.Running, machine.Ending, machine.Served) = (false, false, false);
        _steps.Stopping.Remove(id);
        _parts.StopWishes.Forget(id);
        _parts.Healths.Forget(id);
        _unacknowledged.Add(id);
        if (_parts.Store.Workload(id) is null)
        {
            machine.DropImage();
            _machines.Remove(id);
        }
    }

    /// <summary>Tells PID 1 that the ends are stored. Until it knows, the machine is not started again: two ends could not be told apart.</summary>
    private void Acknowledge()
    {
        foreach (WorkloadId id in _unacknowledged.ToList())
        {
            try
            {
                _parts.Machines.Acknowledge(id);
                _unacknowledged.Remove(id);
            }
            catch (Exception e)
            {
                _parts.Log.Warn($"event=end-not-acknowledged machine={_parts.Names.Of(id)} message=\"{e.Message}\"");
                _steps.Due(_steps.Now + TimeSpan.FromSeconds(1));
            }
        }
    }

    private void Machine(WorkloadId id, WantedMachine? wanted, string? heldBecause)
    {
        MachineProgress machine = Progress(id);
        if (machine.Ending || _parts.Store.Workload(id) is not { } row)
            return;
        if (row.Live && !machine.Running)
        {
            // It ended without anybody seeing it: the power went. That is nobody's failure.
            row = _parts.Store.Change(id, r =>
            {
                _parts.Store.AddRun(id, MachineRuns.Lost(r));
                return r with
                {
                    Live = false,
                    StartedAt = null,
                    State = r.Removed ? WorkloadState.Deleting : r.Stopped ? WorkloadState.Stopped : WorkloadState.Pending,
                    Attempt = 0,
                    NextRetry = null,
                };
            }) ?? row;
        }
        bool finished = row.State is WorkloadState.Exited or WorkloadState.Failed;
        bool run = wanted is not null && !row.Removed && !row.Stopped && heldBecause is null && (machine.Running || !finished);
        if (machine.Running)
            Running(row, machine, wanted, run);
        else if (row.Attached.Length > 0)
        {
            if (Detached(row, machine))
                Machine(id, wanted, heldBecause);
        }
        else if (row.Removed || wanted is null)
            Forget(row, machine);
        else if (run)
            Start(row, machine, wanted);
        else
            Settle(row, machine, wanted, heldBecause);
    }

    private void Running(WorkloadRow row, MachineProgress machine, WantedMachine? wanted, bool run)
    {
        if (!run || wanted!.Fingerprint != row.Fingerprint)
        {
            // A machine that is on its way down may be told to hurry.
            if (_steps.Stopping.Contains(row.Id) ? _parts.StopWishes.Of(row.Id) is not null : !_steps.Waits(row))
                Stop(row.Id, wanted?.Machine.Data.Stop);
            return;
        }
        TellHealth(row.Id, machine);
        if (IsUnhealthy(row.Id, wanted))
        {
            if (!_steps.Stopping.Contains(row.Id) && !_steps.Waits(row))
                Stop(row.Id, wanted.Machine.Data.Stop);
            return;
        }
        WorkloadState state = row.StartedAt is null ? WorkloadState.Preparing : WorkloadState.Running;
        if (row.State != state && !_steps.Stopping.Contains(row.Id))
            _parts.Store.Change(row.Id, r => r.Removed ? r : r with { State = state, Reason = null, Message = null, Attempt = 0, NextRetry = null });
        if (machine.Served || _steps.Waits(row) || _images.Ready(row.Id, machine, wanted.Machine.Data.Flist) is not { } image)
            return;
        // A machine that outlived the node: its chunks are served again.
        _parts.Machines.ServeImage(row.Id, image);
        machine.Served = true;
        if (row.StartedAt is not null)
            image.WorkloadRuns();
        _parts.Store.Change(row.Id, r => r with { Reason = null, Message = null, Attempt = 0, NextRetry = null });
    }

    private void Start(WorkloadRow row, MachineProgress machine, WantedMachine wanted)
    {
        if (_unacknowledged.Contains(row.Id) || _steps.Waits(row) || !IsReady(row, wanted))
            return;
        ZmachineData data = wanted.Machine.Data;
        if (row.State != WorkloadState.Preparing)
            row = _parts.Store.Change(row.Id,
                r => r.Removed ? r : r with { State = WorkloadState.Preparing, Reason = null, Message = null, NextRetry = null }) ?? row;
        if (_images.Ready(row.Id, machine, data.Flist) is not { } image)
            return;

        WorkloadId root = DiskIds.Root(row.Id);
        if (row.RootDigest.Length > 0 && row.RootDigest != image.Digest)
        {
            // What was written over another image means nothing over this one.
            _parts.Volumes.Destroy(root);
            _parts.Store.Change(row.Id, r => r with { RootDigest = "" });
        }
        _parts.Volumes.Ensure(root, DiskSizes.Rounded(data.Rootfs.Bytes));
        string attached = string.Join(' ', wanted.Cards.Select(c => $"{c.Network}={Ipv4Range.Text(c.Address)}"));

        // Stored before anything of it exists: whoever comes after a death here knows what to look for and what to take down.
        WorkloadRow? stored = _parts.Store.Change(row.Id, r => r.Removed || r.Stopped ? r
            : r with
            {
                Live = true,
                StartedAt = null,
                Starts = r.Starts + 1,
                Fingerprint = wanted.Fingerprint,
                Attached = attached,
                RootDigest = image.Digest
            });
        if (stored is not { Live: true })
            return;
        List<IDisposable> opened = [];
        try
        {
            MachineStart start = MachineAssembly.Make(_parts, wanted, _wanted.Values, image, _steps.Now, opened);
            _parts.Logs.Begin(row.Id);
            if (start.Spec.Health is not null)
                _parts.Healths.Begin(row.Id);
            _parts.Machines.Start(row.Id, start);
        }
        catch
        {
            foreach (IDisposable descriptor in opened)
                descriptor.Dispose();
            _parts.Healths.Forget(row.Id);
            _parts.Store.Change(row.Id, r => r with { Live = false, Starts = r.Starts - 1 });
            throw;
        }
        (machine.Running, machine.Served) = (true, true);
        TellHealth(row.Id, machine);
    }

    private bool IsReady(WorkloadRow row, WantedMachine wanted)
    {
        if (MachinePrerequisites.Missing(_steps, wanted, _wanted) is not { } missing)
            return true;
        _parts.Store.Change(row.Id, r => r.Removed ? r : r with { State = WorkloadState.Pending, Reason = missing.Reason, Message = missing.Message });
        return false;
    }

    /// <summary>One event for each change of health. What was told before the node's process began anew is in the events.</summary>
    private void TellHealth(WorkloadId id, MachineProgress machine)
    {
        if (_parts.Healths.Of(id) is not { } health || health.State == machine.ToldHealth)
            return;
        string state = HealthText.Name(health.State);
        if ((machine.ToldHealth is null ? _parts.Store.LastReason(id, EventKinds.Health) : HealthText.Name(machine.ToldHealth.Value)) != state)
            _parts.Store.AddEvent(id.Tenant, EventKinds.Health, id.Deployment, id.Name, reason: state, message: HealthText.Why(health));
        machine.ToldHealth = health.State;
    }

    /// <summary>It runs on though its check says that it should not, and its deployment wants it restarted then.</summary>
    private bool IsUnhealthy(WorkloadId id, WantedMachine? wanted) =>
        wanted?.Machine.Data.Health is { OnUnhealthy: UnhealthyAction.Restart } && _parts.Healths.Of(id) is { State: HealthState.Unhealthy };

    private void Stop(WorkloadId id, StopPolicy? policy)
    {
        StopWish? wish = _parts.StopWishes.Of(id);
        _parts.Machines.Stop(id, StopWishes.Order(policy, wish));
        _steps.Stopping.Add(id);
        if (wish is not null)
            _parts.StopWishes.Done(id, wish);
    }

    /// <summary>Takes the cards of a machine that ended away. Its own back-off: the machine's state and its next start are another matter.</summary>
    private bool Detached(WorkloadRow row, MachineProgress machine)
    {
        if (machine.DetachRetry is { } at && at > _steps.Now && at - _steps.Now <= BackOff.Longest)
        {
            _steps.Due(at);
            return false;
        }
        try
        {
            foreach (string network in row.AttachedNetworks)
                _parts.Networks.Detach(row.Id.Named(network), row.Id);
        }
        catch (Exception e)
        {
            machine.DetachAttempt++;
            machine.DetachRetry = _steps.Now + _parts.BackOff.After(machine.DetachAttempt);
            _steps.Due(machine.DetachRetry.Value);
            _parts.Log.Warn($"event=cards-not-taken machine={_parts.Names.Of(row.Id)} attempt={machine.DetachAttempt} message=\"{e.Message}\"");
            return false;
        }
        (machine.DetachAttempt, machine.DetachRetry) = (0, null);
        _parts.Store.Change(row.Id, r => r with { Attached = "" });
        return true;
    }

    /// <summary>The machine, its writable layer and its logs go.</summary>
    private void Forget(WorkloadRow row, MachineProgress machine)
    {
        if (_steps.Waits(row) || IsRead(row.Id, machine))
            return;
        machine.LeftSince = null;
        machine.DropImage();
        _parts.Ready.TryRemove(row.Id, out _);
        _parts.Volumes.Destroy(DiskIds.Root(row.Id));
        _parts.Logs.Remove(row.Id);
        if (_parts.Store.RemoveWorkload(row.Id))
            _machines.Remove(row.Id);
        else
            _parts.Store.Change(row.Id, r => r with { RootDigest = "" });       // wanted again meanwhile: it begins anew
    }

    /// <summary>Whoever follows a machine's output gets its last words, if they are read within a time.</summary>
    private bool IsRead(WorkloadId id, MachineProgress machine)
    {
        if (!_parts.Logs.IsRead(id))
            return false;
        machine.LeftSince ??= _steps.Now;
        DateTimeOffset until = machine.LeftSince.Value + s_lastWords;
        if (_steps.Now >= until || until - _steps.Now > s_lastWords)
            return false;
        _steps.Due(until);
        return true;
    }

    private void Settle(WorkloadRow row, MachineProgress machine, WantedMachine wanted, string? heldBecause)
    {
        // A machine that does not run keeps no image in memory.
        machine.DropImage();
        _parts.Ready.TryRemove(row.Id, out _);
        if (row.State is not (WorkloadState.Exited or WorkloadState.Failed))
            Rest(row, heldBecause);
        if (wanted.Machine.Data.Remove == RemovePolicy.OnExit && GoesWithMachine(row.Id))
            Machine(row.Id, null, heldBecause);
    }

    /// <summary>Begins to delete the deployment of a machine that is over, unless somebody wants it otherwise meanwhile.</summary>
    private bool GoesWithMachine(WorkloadId id) => _parts.Store.Write(() =>
    {
        if (_parts.Store.Deployment(id.Tenant, id.Deployment) is not { Deleting: false } deployment || _parts.Store.Workload(id) is not { Removed: false } row
            || deployment.Content.Workloads.OfType<ZmachineWorkload>().FirstOrDefault(m => m.Name == id.Name) is not { } machine
            || !MachineLifeRules.IsOver(machine.Data, row))
            return false;
        _parts.Store.BeginDelete(deployment);
        return true;
    });

    private void Rest(WorkloadRow row, string? heldBecause)
    {
        string? reason = row.Stopped ? null : heldBecause;
        // Who was stopped when this pass looked may be wanted again by now.
        _parts.Store.Change(row.Id, r => r.Removed || (row.Stopped && !r.Stopped) ? r : r with
        {
            State = WorkloadState.Stopped,
            Reason = reason,
            Message = reason switch
            {
                null => null,
                "over-grant" => "more is used than the grant has; the newest machines are stopped",
                _ => "the grant does not allow machines to run now"
            },
            Attempt = 0,
            NextRetry = null,
        });
    }

    private MachineProgress Progress(WorkloadId id)
    {
        if (!_machines.TryGetValue(id, out MachineProgress? machine))
            _machines[id] = machine = new MachineProgress();
        return machine;
    }

    /// <summary>A machine that runs keeps its state whatever fails about it.</summary>
    private bool KeepsState(WorkloadRow row) => row.Live && _machines.GetValueOrDefault(row.Id)?.Running == true;
}
