using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Flist;
using ZeroOS.Images.Fetch;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Node.Update;

/// <summary>
/// Updates of this node, from a signed manifest to the restart into the new version (docs/update.md); <see cref="TrialRun"/> goes on from there. One at a time.
/// The order of what is written makes every moment safe to die in: what the firmware starts by itself is not touched before the new version has proven itself.
/// </summary>
internal sealed class Updater : IDisposable
{
    private const int PieceBytes = 1 << 20, FetchTries = 5;

    private readonly UpdateDependencies _dependencies;
    private readonly UpdateJournal _journal;
    private readonly TrialRun _trial;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Nothing happens before <see cref="Start"/> and <see cref="Begin"/>.</summary>
    public Updater(EngineStore store, UpdateDependencies dependencies)
    {
        _dependencies = dependencies;
        _journal = new UpdateJournal(store, dependencies);
        _trial = new TrialRun(_journal, dependencies, _stop.Token);
    }

    /// <summary>The update under way, or how the last one ended; null before the first.</summary>
    public UpdateStatus? Status => _journal.Status;

    /// <summary>Takes up what the boot before left. Call when the bus answers.</summary>
    public void Start() => _trial.Start();

    /// <summary>
    /// The condition "update" of zos.node.status: well, unless an update is under way or failed, or the image is older than one that was kept.
    /// </summary>
    public IEnumerable<NodeCondition> Conditions()
    {
        if (_journal.HighestRelease is { } highest && _dependencies.Running.Version < highest)
        {
            yield return new NodeCondition
            {
                Name = "update",
                Ok = false,
                Reason = "downgraded",
                Message = $"{_dependencies.Running.Version} runs, and this node had {highest} before: somebody booted an older image",
            };
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

    /// <summary>zos.node.update: checks a release, and begins to update once the answer has been sent; what is answered has been stored.</summary>
    /// <exception cref="BusErrorException">Why not: <see cref="ReleaseGate"/>, or what this computer lacks.</exception>
    public UpdateStatus Begin(RequestContext context, NodeUpdate body)
    {
        ReleaseManifest manifest = ReleaseGate.Check(body.Release, _dependencies.Keys, _dependencies.Running.Version, _journal.HighestRelease,
            _dependencies.Settings()?.Channel, out byte[] document);
        UpdateRecord record = new()
        {
            State = UpdateState.Fetching,
            Version = manifest.Version,
            From = _dependencies.Running.Version.ToString(3),
            ImageDigest = manifest.ImageDigest,
            EfiDigest = manifest.Efi.Digest,
            OverNetwork = _dependencies.Boot.Kind == BootKind.Network,
            HealthSeconds = manifest.HealthSeconds,
        };
        FetchSource? source = null;
        if (_dependencies.Boot.Kind == BootKind.Other)
            throw new BusErrorException(ErrorCodes.Unavailable, $"this boot cannot be updated: {_dependencies.Boot.Why}");
        if (!record.OverNetwork)
            source = Source(manifest);
        _journal.Begin(record.OverNetwork ? 0 : manifest.Efi.Size);
        try
        {
            if (!record.OverNetwork)
                Prepare(manifest);
            _journal.Remember(record, MessageMark.Of(context));
        }
        catch (UpdateException e)
        {
            _journal.NotBegun();
            throw new BusErrorException(ErrorCodes.Unavailable, e.Message);
        }
        catch
        {
            _journal.NotBegun();
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

    private FetchSource Source(ReleaseManifest manifest)
    {
        int slash = manifest.Image.IndexOf('/', StringComparison.Ordinal);
        string name = manifest.Image[..slash];
        return _dependencies.Settings()?.Registries.GetValueOrDefault(name) is { } registry
            ? new FetchSource(name, registry.Url, registry.PlainHttp, manifest.Image[(slash + 1)..], null)
            : throw new BusErrorException(ErrorCodes.Unavailable, $"the release lies in the registry \"{name}\", which this farm's settings do not name");
    }

    /// <summary>Everything that can be known to be in the way, before anything is fetched; the boot entry is made, which by itself starts nothing.</summary>
    private void Prepare(ReleaseManifest manifest)
    {
        using IBootMedium medium = _dependencies.Medium(_dependencies.Boot.Partition!.Value);
        medium.Check(manifest.Efi.Size);
        _dependencies.Firmware.Prepare(medium.TrialEntry);
    }

    private async Task RunAsync(UpdateRecord record, ReleaseManifest manifest, byte[] document, FetchSource? source)
    {
        try
        {
            if (source is not null)
            {
                byte[] efi = await FetchAsync(source, manifest).ConfigureAwait(false);
                if (_dependencies.SealingKey() is { } key && PcrPolicyCheck.Fault(efi, key) is { } fault)
                    throw new UpdateException("sealed-identity", $"{manifest.Version} could not read this node's sealed identity: {fault}");
                record = record with { State = UpdateState.Writing };
                _journal.Remember(record);
                using IBootMedium medium = _dependencies.Medium(_dependencies.Boot.Partition!.Value);
                medium.Stage(efi, _dependencies.SettingsDocument(), document);
            }
            record = record with { State = UpdateState.Restarting, Expect = _dependencies.Expect() };
            _journal.Remember(record);
            if (source is not null)
                _dependencies.Firmware.BootOnce();
            _dependencies.Restart();
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
                _dependencies.Firmware.Forget();
            _journal.Remember(record.Failed(reason, message));
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
                await _dependencies.Fetch(source, digest, at, piece, _stop.Token).ConfigureAwait(false);
            }
            catch (RegistryException e) when (e.Failure == RegistryFailure.Unreachable && ++failed < FetchTries)
            {
                _dependencies.Log.Warn($"update fetch attempt={failed} failed: {e.Message}");
                await Task.Delay(TimeSpan.FromSeconds(failed * 2), _dependencies.Time, _stop.Token).ConfigureAwait(false);
                continue;
            }
            catch (RegistryException e)
            {
                throw new UpdateException("not-fetched", $"{manifest.Version} cannot be fetched from {source}: {e.Message}", e);
            }
            at += piece.Length;
            _journal.Fetched(at);
        }
        return Sha256Digest.Of(efi) == digest
            ? efi
            : throw new UpdateException("not-fetched", $"{source} gave another file than the release names ({Sha256Digest.Of(efi)})");
    }
}
