using ZeroOS.Bus.Release;
using ZeroOS.Contracts.Release;
using ZeroOS.Flist;

namespace ZeroOS.Node.Update;

/// <summary>
/// The second half of an update, after the restart: what became of it, the trial of a new version, and what is done when it is kept (docs/update.md). The first
/// half is <see cref="Updater"/>'s.
/// </summary>
internal sealed class TrialRun(UpdateJournal journal, UpdateDependencies dependencies, CancellationToken stop)
{
    /// <summary>Takes up what the boot before left: decides what became of an update, and begins a trial. Call when the bus answers.</summary>
    public void Start()
    {
        UpdateRecord? left = journal.Stored, now = UpdateOutcome.Of(left, dependencies.Boot, dependencies.Running, dependencies.WatchdogBit);
        bool onTrial = dependencies.Boot.Kind == BootKind.Trial;
        if (onTrial && now is not { State: UpdateState.Trial })
            now = FromManifest() ?? now;
        journal.TakeUp(now);
        if (now is not null && now != left)
            journal.Remember(now);
        if (onTrial && now is { State: UpdateState.Trial })
            _ = Task.Run(() => RunTrialAsync(now));
        else if (onTrial)
        {
            dependencies.Log.Warn("update: nothing vouches for the image in the slot for trials; back to the one that is kept");
            dependencies.Restart();
        }
        else if (now != left && dependencies.Boot.Kind == BootKind.Kept)
            Settle();
    }

    /// <summary>On trial: looks again and again until the version has proven itself or the time is up.</summary>
    private async Task RunTrialAsync(UpdateRecord record)
    {
        Trial trial = new(record.HealthSeconds);
        using PeriodicTimer timer = new(dependencies.LookEvery, dependencies.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                HealthFinding finding = await ExamineAsync(record).ConfigureAwait(false);
                TrialVerdict verdict = trial.Take(finding, dependencies.UptimeMs());
                if (verdict == TrialVerdict.Proven)
                {
                    finding = TryKeep(record);
                    if (finding.IsWell)
                        return;
                    verdict = trial.Take(finding, dependencies.UptimeMs());
                }
                journal.Missing(finding);
                if (verdict != TrialVerdict.Lost)
                    continue;
                // Still a trial: the version from before reads the reason and reports it as its own finding.
                journal.Remember(record with { Reason = finding.Reason, Message = $"{record.Version} did not become healthy: {finding.Message}" });
                dependencies.Restart();
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
            return await dependencies.Examine(record.Expect, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new HealthFinding("internal", $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>
    /// From here on the new version is what the firmware starts: exchange first, for that is what counts; then PID 1, the entry that is not needed any more,
    /// and memory last: what a cut leaves undone, the next boot does.
    /// </summary>
    private HealthFinding TryKeep(UpdateRecord record)
    {
        try
        {
            using IBootMedium medium = dependencies.Medium(dependencies.Boot.Partition!.Value);
            medium.Keep(Sha256Digest.Parse(record.EfiDigest));
        }
        catch (UpdateException e)
        {
            return new HealthFinding(e.Reason, e.Message);
        }
        dependencies.TrialKept();
        dependencies.Firmware.Forget();
        journal.Remember(record.Kept());
        return HealthFinding.Well;
    }

    /// <summary>
    /// A trial that nothing is remembered of (a node without a disk forgets): the signed manifest beside it says what it is, if it is what runs.
    /// </summary>
    private UpdateRecord? FromManifest()
    {
        try
        {
            using IBootMedium medium = dependencies.Medium(dependencies.Boot.Partition!.Value);
            if (medium.Manifest() is not { } document || !ReleaseDocument.TryVerify(document, dependencies.Keys, out ReleaseManifest? manifest, out _)
                || manifest.Version != dependencies.Running.Version.ToString(3) || manifest.ImageDigest != dependencies.Running.Digest
                || dependencies.Running.Version < journal.HighestRelease)
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
        dependencies.Firmware.Forget();
        try
        {
            using IBootMedium medium = dependencies.Medium(dependencies.Boot.Partition!.Value);
            medium.Check(0);
        }
        catch (UpdateException e)
        {
            dependencies.Log.Error($"update settle failed: {e.Message}");
        }
    }
}
