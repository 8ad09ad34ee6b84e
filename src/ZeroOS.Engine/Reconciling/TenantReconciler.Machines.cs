using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

internal sealed partial class TenantReconciler
{
    private static readonly TimeSpan s_defaultGrace = TimeSpan.FromSeconds(10);

    private void HearNews(Dictionary<WorkloadId, Wish> wishes, IReadOnlyDictionary<WorkloadId, string> held)
    {
        // Taken off the queue only when stored: a failing store must not lose an exit code.
        while (_news.TryPeek(out MachineNews? news))
        {
            if (news.End is { } end)
                HearEnd(news.Machine, end, wishes.GetValueOrDefault(news.Machine), held.ContainsKey(news.Machine));
            else
                HearStart(news.Machine);
            _news.TryDequeue(out _);
        }
    }

    private void HearStart(WorkloadId id)
    {
        _parts.Store.Change(id, r => !r.Live || r.StartedAt is not null ? r : r with
        {
            StartedAt = Now,
            State = r.State is WorkloadState.Preparing or WorkloadState.Pending ? WorkloadState.Running : r.State,
            Reason = null,
            Message = null,
        });
        if (_machines.GetValueOrDefault(id)?.Image is { IsCompletedSuccessfully: true } image)
            image.Result.WorkloadRuns();
    }

    private void HearEnd(WorkloadId id, MachineEnd end, Wish? wish, bool isHeld)
    {
        MachineHand hand = Hand(id);
        _parts.Store.Change(id, r =>
        {
            if (!r.Live)
                return r;       // heard before, and the node died before it could say so
            bool asked = hand.StopSent || r.Stopped || r.Removed || isHeld || wish is null || wish.Fingerprint != r.Fingerprint;
            if (!asked)
                return RestartRule.After(r, end, wish!.Machine.Data.Restart, Now, _parts.BackOff);
            return r with
            {
                Live = false,
                StartedAt = null,
                ExitCode = end.Workload?.Code ?? r.ExitCode,
                State = r.Removed ? WorkloadState.Deleting : r.Stopped || isHeld ? WorkloadState.Stopped : WorkloadState.Pending,
                Reason = null,
                Message = null,
                Attempt = 0,
                NextRetry = null,
            };
        });
        (hand.Running, hand.Ending, hand.StopSent, hand.Served) = (false, false, false, false);
        _unacknowledged.Add(id);
        if (_parts.Store.Workload(id) is null)
        {
            hand.DropImage();
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
                _parts.Log($"engine: acknowledging the end of {id.Short} failed: {e.Message}");
                Due(Now + TimeSpan.FromSeconds(1));
            }
        }
    }

    private void Machine(WorkloadId id, Wish? wish, string? heldBecause)
    {
        MachineHand hand = Hand(id);
        if (hand.Ending || _parts.Store.Workload(id) is not { } row)
            return;
        if (row.Live && !hand.Running)
        {
            // It ended without anybody seeing it: the power went. That is nobody's failure.
            row = _parts.Store.Change(id, r => r with
            {
                Live = false,
                StartedAt = null,
                State = r.Removed ? WorkloadState.Deleting : r.Stopped ? WorkloadState.Stopped : WorkloadState.Pending,
                Attempt = 0,
                NextRetry = null,
            }) ?? row;
        }
        bool finished = row.State is WorkloadState.Exited or WorkloadState.Failed;
        bool run = wish is not null && !row.Removed && !row.Stopped && heldBecause is null && (hand.Running || !finished);
        if (hand.Running)
            Running(row, hand, wish, run);
        else if (row.Attached.Length > 0)
        {
            if (Detached(row, hand))
                Machine(id, wish, heldBecause);
        }
        else if (row.Removed || wish is null)
            Forget(row, hand);
        else if (run)
            Start(row, hand, wish);
        else
            Settle(row, hand, heldBecause);
    }

    private void Running(WorkloadRow row, MachineHand hand, Wish? wish, bool run)
    {
        if (!run || wish!.Fingerprint != row.Fingerprint)
        {
            if (!hand.StopSent && !Waits(row))
                Stop(row.Id, hand, wish?.Machine.Data.Stop);
            return;
        }
        WorkloadState state = row.StartedAt is null ? WorkloadState.Preparing : WorkloadState.Running;
        if (row.State != state && !hand.StopSent)
            _parts.Store.Change(row.Id, r => r with { State = state, Reason = null, Message = null, Attempt = 0, NextRetry = null });
        if (hand.Served || Waits(row) || Image(row.Id, hand, wish.Machine.Data.Flist) is not { } image)
            return;
        // A machine that outlived the node: its chunks are served again.
        _parts.Machines.ServeImage(row.Id, image);
        hand.Served = true;
        if (row.StartedAt is not null)
            image.WorkloadRuns();
        _parts.Store.Change(row.Id, r => r with { Reason = null, Message = null, Attempt = 0, NextRetry = null });
    }

    private void Start(WorkloadRow row, MachineHand hand, Wish wish)
    {
        if (_unacknowledged.Contains(row.Id) || Waits(row) || !Prerequisites(row, wish))
            return;
        ZmachineData data = wish.Machine.Data;
        if (row.State != WorkloadState.Preparing)
            row = _parts.Store.Change(row.Id, r => r with { State = WorkloadState.Preparing, Reason = null, Message = null, NextRetry = null }) ?? row;
        if (Image(row.Id, hand, data.Flist) is not { } image)
            return;

        WorkloadId root = DiskIds.Root(row.Id);
        if (row.RootDigest.Length > 0 && row.RootDigest != image.Digest)
        {
            // What was written over another image means nothing over this one.
            _parts.Volumes.Destroy(root);
            _parts.Store.Change(row.Id, r => r with { RootDigest = "" });
        }
        _parts.Volumes.Ensure(root, Rounded(data.Rootfs.Bytes));
        List<(string Network, uint Address)> cards = [.. data.Networks.Select(n => (n.Network, wish.Addresses.Single(a => a.Network == n.Network && a.Machine == wish.Machine.Name).Address))];
        string attached = string.Join(' ', cards.Select(c => $"{c.Network}={Ipv4Range.Text(c.Address)}"));

        // Stored before anything of it exists: whoever comes after a death here knows what to look for and what to take down.
        WorkloadRow? stored = _parts.Store.Change(row.Id, r => r.Removed || r.Stopped ? r
            : r with { Live = true, StartedAt = null, Starts = r.Starts + 1, Fingerprint = wish.Fingerprint, Attached = attached, RootDigest = image.Digest });
        if (stored is not { Live: true })
            return;
        List<IDisposable> opened = [];
        try
        {
            MachineStart start = Assemble(row.Id, wish, image, cards, opened);
            _parts.Logs.Begin(row.Id);
            _parts.Machines.Start(row.Id, start);
        }
        catch
        {
            foreach (IDisposable descriptor in opened)
                descriptor.Dispose();
            _parts.Store.Change(row.Id, r => r with { Live = false, Starts = r.Starts - 1 });
            throw;
        }
        (hand.Running, hand.StopSent, hand.Served) = (true, false, true);
    }

    private MachineStart Assemble(WorkloadId id, Wish wish, IImage image, List<(string Network, uint Address)> cards, List<IDisposable> opened)
    {
        ZmachineData data = wish.Machine.Data;
        List<MachineNic> nics = [];
        foreach ((string network, uint address) in cards)
        {
            MachineNic nic = _parts.Networks.Attach(id with { Name = network }, id, IPAddress.Parse(Ipv4Range.Text(address)));
            opened.Add(nic.Tap);
            if (nic.Tap.IsInvalid)
                throw new WorkloadException("card-busy", $"the machine's card in network \"{network}\" is still held by its last run");
            nics.Add(nic);
        }
        List<(string Serial, FileDescriptor Disk, bool ReadOnly)> disks = [];
        foreach ((WorkloadId disk, bool readOnly) in data.Mounts.Select(m => (id with { Name = m.Volume }, m.ReadOnly)).Prepend((DiskIds.Root(id), false)))
        {
            FileDescriptor descriptor = _parts.Volumes.Open(disk);
            opened.Add(descriptor);
            disks.Add((disk.Short, descriptor, readOnly));
        }
        IReadOnlyList<string> hosts = GuestSpecBuilder.Hosts(id.Name, data.Networks.Select(n => n.Network), wish.Addresses.Select(a => (a.Network, a.Machine, a.Address)));
        return new MachineStart
        {
            Cpus = data.Cpu,
            MemoryBytes = data.Memory.Bytes,
            Spec = GuestSpecBuilder.Build(id, data, image.Config, nics, hosts, Now),
            Image = image,
            Disks = disks,
            Nics = nics,
        };
    }

    /// <summary>Its networks and volumes are there, and no machine on its way out has one of its addresses still.</summary>
    private bool Prerequisites(WorkloadRow row, Wish wish)
    {
        ZmachineData data = wish.Machine.Data;
        foreach (string name in data.Networks.Select(n => n.Network))
        {
            string range = wish.Deployment.Workloads.OfType<NetworkWorkload>().Single(n => n.Name == name).Data.Range;
            if (_networks.GetValueOrDefault(row.Id with { Name = name }) != range)
                return WaitsFor(row, "waiting-for-network", $"network \"{name}\" is not there yet");
        }
        foreach (string name in data.Mounts.Select(m => m.Volume))
        {
            if (!_volumes.ContainsKey(row.Id with { Name = name }))
                return WaitsFor(row, "waiting-for-volume", $"volume \"{name}\" is not there yet");
        }
        foreach (WorkloadRow other in _parts.Store.Workloads(row.Id.Tenant, row.Id.Deployment).Where(w => w.Id != row.Id && w.Attached.Length > 0))
        {
            HashSet<string> taken = [.. other.Attached.Split(' ')];
            if (data.Networks.Any(n => taken.Contains($"{n.Network}={Ipv4Range.Text(wish.Addresses.Single(a => a.Network == n.Network && a.Machine == wish.Machine.Name).Address)}")))
                return WaitsFor(row, "waiting-for-address", $"machine \"{other.Id.Name}\" still has its address");
        }
        return true;
    }

    private bool WaitsFor(WorkloadRow row, string reason, string message)
    {
        _parts.Store.Change(row.Id, r => r with { State = WorkloadState.Pending, Reason = reason, Message = message });
        return false;
    }

    /// <summary>The image if it is ready; otherwise it is being made ready, and the worker is woken when it is.</summary>
    private IImage? Image(WorkloadId id, MachineHand hand, FlistReference flist)
    {
        if (hand.ImageDigest != flist.Digest)
            hand.DropImage();
        if (hand.Image is null)
        {
            hand.Cancel = new CancellationTokenSource();
            hand.ImageDigest = flist.Digest;
            CancellationToken cancellation = hand.Cancel.Token;
            hand.Image = Prepare(flist, cancellation);
            hand.Image.ContinueWith(static (_, self) => ((TenantReconciler)self!).Wake(), this, cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        if (!hand.Image.IsCompleted)
            return null;
        Task<IImage> done = hand.Image;
        if (!done.IsCompletedSuccessfully)
        {
            hand.DropImage();
            throw done.Exception?.InnerException ?? new WorkloadException("image-cancelled", "making the image ready was given up");
        }
        if (_parts.Ready.TryGetValue(id, out IImage? known) && ReferenceEquals(known, done.Result))
            return known;
        try
        {
            CountImage(done.Result);
            done.Result.Allow();
        }
        catch
        {
            hand.DropImage();
            throw;
        }
        return _parts.Ready[id] = done.Result;
    }

    private async Task<IImage> Prepare(FlistReference flist, CancellationToken cancellation) =>
        await _parts.Images.PrepareAsync(_tenant, flist, cancellation).ConfigureAwait(false);

    /// <summary>An image's size is known only now; it counts against the grant and the node like any disk.</summary>
    private void CountImage(IImage image) => _parts.Store.Write(() =>
    {
        long before = _parts.Store.Use(_tenant).Storage, all = _parts.Store.Use(null).Storage;
        _parts.Store.SetImage(_tenant, image.Digest, image.BytesCounted);
        long more = _parts.Store.Use(_tenant).Storage - before;
        long granted = _parts.Store.Grant(_tenant)?.Grant.Storage.Bytes ?? 0;
        if (more > 0 && before + more > granted)
            throw new WorkloadException("over-capacity", $"the image takes {Sizes.Text(more)}; of your grant's storage {Sizes.Text(Math.Max(0, granted - before))} are left");
        if (more > 0 && all + more > _parts.Limits.Capacity.Storage.Bytes)
            throw new WorkloadException("over-capacity", $"the image takes {Sizes.Text(more)}, which the node has not left");
    });

    private void Stop(WorkloadId id, MachineHand hand, StopPolicy? policy)
    {
        TimeSpan grace = policy is not null && Durations.TryParse(policy.Timeout, TimeSpan.FromMinutes(10), out TimeSpan wished) ? wished : s_defaultGrace;
        string? signal = policy?.Signal is { } text && Signals.TryNormalise(text, out string normal) ? normal : null;
        _parts.Machines.Stop(id, new GuestStop { Signal = signal, GraceMs = (int)grace.TotalMilliseconds });
        hand.StopSent = true;
    }

    /// <summary>Takes the cards of a machine that ended away. Its own back-off: the machine's state and its next start are another matter.</summary>
    private bool Detached(WorkloadRow row, MachineHand hand)
    {
        if (hand.DetachRetry is { } at && at > Now && at - Now <= BackOff.Longest)
        {
            Due(at);
            return false;
        }
        try
        {
            foreach (string network in row.AttachedNetworks)
                _parts.Networks.Detach(row.Id with { Name = network }, row.Id);
        }
        catch (Exception e)
        {
            hand.DetachAttempt++;
            hand.DetachRetry = Now + _parts.BackOff.After(hand.DetachAttempt);
            Due(hand.DetachRetry.Value);
            _parts.Log($"engine: taking the cards of {row.Id.Short} away failed attempt={hand.DetachAttempt}: {e.Message}");
            return false;
        }
        (hand.DetachAttempt, hand.DetachRetry) = (0, null);
        _parts.Store.Change(row.Id, r => r with { Attached = "" });
        return true;
    }

    /// <summary>The machine, its writable layer and its logs go.</summary>
    private void Forget(WorkloadRow row, MachineHand hand)
    {
        if (Waits(row))
            return;
        hand.DropImage();
        _parts.Ready.TryRemove(row.Id, out _);
        _parts.Volumes.Destroy(DiskIds.Root(row.Id));
        _parts.Logs.Remove(row.Id);
        if (_parts.Store.RemoveWorkload(row.Id))
            _machines.Remove(row.Id);
        else
            _parts.Store.Change(row.Id, r => r with { RootDigest = "" });       // wanted again meanwhile: it begins anew
    }

    private void Settle(WorkloadRow row, MachineHand hand, string? heldBecause)
    {
        // A machine that does not run keeps no image in memory.
        hand.DropImage();
        _parts.Ready.TryRemove(row.Id, out _);
        if (row.State is WorkloadState.Exited or WorkloadState.Failed)
            return;
        string? reason = row.Stopped ? null : heldBecause;
        _parts.Store.Change(row.Id, r => r with
        {
            State = WorkloadState.Stopped,
            Reason = reason,
            Message = reason switch { null => null, "over-grant" => "more is used than the grant has; the newest machines are stopped", _ => "the grant does not allow machines to run now" },
            Attempt = 0,
            NextRetry = null,
        });
    }

    private MachineHand Hand(WorkloadId id)
    {
        if (!_machines.TryGetValue(id, out MachineHand? hand))
            _machines[id] = hand = new MachineHand();
        return hand;
    }

    /// <summary>A machine that runs keeps its state whatever fails about it.</summary>
    private bool KeepsState(WorkloadRow row) => row.Live && _machines.GetValueOrDefault(row.Id)?.Running == true;
}
