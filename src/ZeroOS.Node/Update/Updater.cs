using ZeroOS.Bus.Release;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Flist;
using ZeroOS.Host.Fetch;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Node.Update;

/// <summary>
/// Updates of this node, from a signed manifest to a version that is kept (docs/update.md). One at a time. The order of what is written makes every moment safe
/// to die in: what the firmware starts by itself is not touched before the new version has proven itself.
/// </summary>
internal sealed class Updater(EngineStore store, UpdateDependencies around) : IDisposable
{
    private const int PieceBytes = 1 << 20, FetchTries = 5;

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private UpdateRecord? _record;
    private HealthFinding _missing;
    private long _done, _total;
    private bool _busy;

    /// <summary>The update under way, or how the last one ended; null before the first.</summary>
    public UpdateStatus? Status
    {
        get
        {
            lock (_lock)
            {
                return _record is not { } record ? null : new UpdateStatus
                {
                    State = record.State,
                    Version = record.Version,
                    From = record.From,
                    DoneBytes = _done,
                    TotalBytes = _total,
                    Reason = record.Reason,
                    Message = record.Message ?? (record.State == UpdateState.Trial ? _missing.Message : null),
                };
            }
        }
    }

    /// <summary>The condition "update" of zos.node.status: well, unless an update is under way or failed, or the image is older than one that was kept.</summary>
    public IEnumerable<NodeCondition> Conditions()
    {
        if (store.HighestRelease is { } highest && around.Running.Version < highest)
        {
            yield return new NodeCondition { Name = "update", Ok = false, Reason = "downgraded", Message = $"{around.Running.Version} runs, and this node had {highest} before: somebody booted an older image" };
            yield break;
        }
        if (Status is { } status)
        {
            bool ended = status.State == UpdateState.Kept;
            yield return new NodeCondition
            {
                Name = "update",
                Ok = ended,
                Reason = ended ? null : status.State == UpdateState.Failed ? "update-failed" : status.State.ToString().ToLowerInvariant(),
                Message = ended ? $"{status.Version} is kept" : $"{status.From} to {status.Version}{(status.Message is null ? "" : $": {status.Message}")}",
            };
        }
    }

    /// <summary>Takes up what the boot before left: decides what became of an update, and begins a trial. Call when the bus answers.</summary>
    public void Start()
    {
        UpdateRecord? left = store.Update, now = UpdateOutcome.Of(left, around.Boot, around.Running, around.WatchdogBit);
        bool onTrial = around.Boot.Kind == BootKind.Trial;
        if (onTrial && now is not { State: UpdateState.Trial })
            now = FromManifest() ?? now;
        lock (_lock)
            _record = now;
        if (now is not null && now != left)
            Remember(now);
        if (onTrial && now is { State: UpdateState.Trial })
            _ = Task.Run(() => RunTrialAsync(now));
        else if (onTrial)
        {
            around.Log("update: nothing vouches for the image in the slot for trials; back to the one that is kept");
            around.Restart();
        }
        else if (now != left && around.Boot.Kind == BootKind.Kept)
            Settle();
    }

    /// <summary>zos.node.update: checks a release, and begins to update once the answer has been sent; what is answered has been stored.</summary>
    /// <exception cref="BusErrorException">Why not: <see cref="ReleaseGate"/>, or what this machine lacks.</exception>
    public UpdateStatus Begin(RequestContext context, NodeUpdate body)
    {
        ReleaseManifest manifest = ReleaseGate.Check(body.Release, around.Keys, around.Running.Version, store.HighestRelease, around.Settings()?.Channel, out byte[] document);
        UpdateRecord record = new()
        {
            State = UpdateState.Fetching,
            Version = manifest.Version,
            From = around.Running.Version.ToString(3),
            ImageDigest = manifest.ImageDigest,
            EfiDigest = manifest.Efi.Digest,
            OverNetwork = around.Boot.Kind == BootKind.Network,
            HealthSeconds = manifest.HealthSeconds,
        };
        FetchSource? source = null;
        if (around.Boot.Kind == BootKind.Other)
            throw new BusErrorException(ErrorCodes.Unavailable, $"this boot cannot be updated: {around.Boot.Why}");
        if (!record.OverNetwork)
            source = Source(manifest);
        lock (_lock)
        {
            if (_busy || _record is { IsPending: true })
                throw new BusErrorException(ErrorCodes.Conflict, $"an update is under way already{(_record is null ? "" : $": to {_record.Version}, {_record.State.ToString().ToLowerInvariant()}")}");
            _busy = true;
            (_done, _total) = (0, record.OverNetwork ? 0 : manifest.Efi.Size);
        }
        try
        {
            if (!record.OverNetwork)
                Prepare(manifest);
            Remember(record, MessageMark.Of(context));
        }
        catch (UpdateException e)
        {
            Idle();
            throw new BusErrorException(ErrorCodes.Unavailable, e.Message);
        }
        catch
        {
            Idle();
            throw;
        }
        UpdateStatus stored = Status!;
        context.AfterSent(() => _ = Task.Run(() => RunAsync(record, manifest, document, source)));
        return stored;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private void Idle()
    {
        lock (_lock)
            _busy = false;
    }

    private FetchSource Source(ReleaseManifest manifest)
    {
        int slash = manifest.Image.IndexOf('/', StringComparison.Ordinal);
        string name = manifest.Image[..slash];
        return around.Settings()?.Registries.GetValueOrDefault(name) is { } registry
            ? new FetchSource(name, registry.Url, registry.PlainHttp, manifest.Image[(slash + 1)..], null)
            : throw new BusErrorException(ErrorCodes.Unavailable, $"the release lies in the registry \"{name}\", which this farm's settings do not name");
    }

    /// <summary>Everything that can be known to be in the way, before anything is fetched; the boot entry is made, which by itself starts nothing.</summary>
    private void Prepare(ReleaseManifest manifest)
    {
        using IBootMedium medium = around.Medium(around.Boot.Partition!.Value);
        medium.Check(manifest.Efi.Size);
        around.Firmware.Prepare(medium.TrialEntry);
    }

    private async Task RunAsync(UpdateRecord record, ReleaseManifest manifest, byte[] document, FetchSource? source)
    {
        try
        {
            if (source is not null)
            {
                byte[] efi = await FetchAsync(source, manifest).ConfigureAwait(false);
                if (around.SealingKey() is { } key && PcrPolicyCheck.Fault(efi, key) is { } fault)
                    throw new UpdateException("sealed-identity", $"{manifest.Version} could not read this node's sealed identity: {fault}");
                record = record with { State = UpdateState.Writing };
                Remember(record);
                using IBootMedium medium = around.Medium(around.Boot.Partition!.Value);
                medium.Stage(efi, around.SettingsDocument(), document);
            }
            record = record with { State = UpdateState.Restarting, Expect = around.Expect() };
            Remember(record);
            if (source is not null)
                around.Firmware.BootOnce();
            around.Restart();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            // A background task of its own: what goes wrong here is the update's end, whatever it is, and must be told.
            (string reason, string message) = e is UpdateException known ? (known.Reason, known.Message) : ("internal", $"{e.GetType().Name}: {e.Message}");
            if (source is not null)
                around.Firmware.Forget();
            Remember(record.Failed(reason, message));
        }
    }

    private async Task<byte[]> FetchAsync(FetchSource source, ReleaseManifest manifest)
    {
        byte[] efi = new byte[manifest.Efi.Size];
        Sha256Digest digest = Sha256Digest.Parse(manifest.Efi.Digest);
        for (int at = 0, failed = 0; at < efi.Length;)
        {
            Memory<byte> piece = efi.AsMemory(at, Math.Min(PieceBytes, efi.Length - at));
            try
            {
                await around.Fetch(source, digest, at, piece, _stop.Token).ConfigureAwait(false);
            }
            catch (RegistryException e) when (e.Failure == RegistryFailure.Unreachable && ++failed < FetchTries)
            {
                around.Log($"update fetch attempt={failed} failed: {e.Message}");
                await Task.Delay(TimeSpan.FromSeconds(failed * 2), around.Time, _stop.Token).ConfigureAwait(false);
                continue;
            }
            catch (RegistryException e)
            {
                throw new UpdateException("not-fetched", $"{manifest.Version} cannot be fetched from {source}: {e.Message}", e);
            }
            at += piece.Length;
            lock (_lock)
                _done = at;
        }
        return Sha256Digest.Of(efi) == digest ? efi : throw new UpdateException("not-fetched", $"{source} gave another file than the release names ({Sha256Digest.Of(efi)})");
    }

    /// <summary>On trial: looks again and again until the version has proven itself or the time is up.</summary>
    private async Task RunTrialAsync(UpdateRecord record)
    {
        Trial trial = new(record.HealthSeconds);
        using PeriodicTimer timer = new(around.LookEvery, around.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                HealthFinding finding = await ExamineAsync(record).ConfigureAwait(false);
                TrialVerdict verdict = trial.Take(finding, around.UptimeMs());
                if (verdict == TrialVerdict.Proven)
                {
                    finding = TryKeep(record);
                    if (finding.IsWell)
                        return;
                    verdict = trial.Take(finding, around.UptimeMs());
                }
                lock (_lock)
                    _missing = finding;
                if (verdict != TrialVerdict.Lost)
                    continue;
                // Still a trial: the version from before reads the reason and reports it as its own finding.
                Remember(record with { Reason = finding.Reason, Message = $"{record.Version} did not become healthy: {finding.Message}" });
                around.Restart();
                return;
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }
    }

    private async Task<HealthFinding> ExamineAsync(UpdateRecord record)
    {
        try
        {
            return await around.Examine(record.Expect, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new HealthFinding("internal", $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>From here on the new version is what the firmware starts: exchange first, for that is what counts; then PID 1, the entry that is not needed any more, and memory last: what a cut leaves undone, the next boot does.</summary>
    private HealthFinding TryKeep(UpdateRecord record)
    {
        try
        {
            using IBootMedium medium = around.Medium(around.Boot.Partition!.Value);
            medium.Keep(Sha256Digest.Parse(record.EfiDigest));
        }
        catch (UpdateException e)
        {
            return new HealthFinding(e.Reason, e.Message);
        }
        around.TrialKept();
        around.Firmware.Forget();
        Remember(record.Kept());
        return HealthFinding.Well;
    }

    /// <summary>A trial that nothing is remembered of (a node without a disk forgets): the signed manifest beside it says what it is, if it is what runs.</summary>
    private UpdateRecord? FromManifest()
    {
        try
        {
            using IBootMedium medium = around.Medium(around.Boot.Partition!.Value);
            if (medium.Manifest() is not { } document || !ReleaseDocument.TryVerify(document, around.Keys, out ReleaseManifest? manifest, out _)
                || manifest.Version != around.Running.Version.ToString(3) || manifest.ImageDigest != around.Running.Digest || around.Running.Version < store.HighestRelease)
                return null;
            return new UpdateRecord
            {
                State = UpdateState.Trial,
                Version = manifest.Version,
                From = "unknown",
                ImageDigest = manifest.ImageDigest,
                EfiDigest = manifest.Efi.Digest,
                HealthSeconds = manifest.HealthSeconds,
            };
        }
        catch (UpdateException)
        {
            return null;
        }
    }

    /// <summary>After an update's end, on the version that the firmware starts by itself: what the trial needed goes.</summary>
    private void Settle()
    {
        around.Firmware.Forget();
        try
        {
            using IBootMedium medium = around.Medium(around.Boot.Partition!.Value);
            medium.Check(0);
        }
        catch (UpdateException e)
        {
            around.Log($"update settle failed: {e.Message}");
        }
    }

    private void Remember(UpdateRecord record, MessageMark? mark = null)
    {
        store.SetUpdate(record, around.Settings()?.Owners ?? [], mark);
        lock (_lock)
        {
            _record = record;
            _missing = HealthFinding.Well;
            _busy &= record.State != UpdateState.Failed; // whoever reads that it failed may ask again
        }
        around.Log($"update state={record.State.ToString().ToLowerInvariant()} from={record.From} version={record.Version}{(record.Reason is null ? "" : $" reason={record.Reason}")}{(record.Message is null ? "" : $" message=\"{record.Message}\"")}");
    }
}
