using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Release;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Network;
using ZeroOS.Host.Processes;
using ZeroOS.Host.Storage;
using ZeroOS.Images.Fetch;
using ZeroOS.Init;
using ZeroOS.Linux;
using ZeroOS.Node.Farm;

namespace ZeroOS.Node.Update;

/// <summary>The updater put together from the parts of a real node.</summary>
internal static class NodeUpdates
{
    // In memory: it lasts as long as this boot, over every death of the node.
    private const string KeptMark = "/run/node/trial-kept";

    /// <summary>Where this boot came from; a trial that was kept is no trial any more.</summary>
    public static BootSource Boot { get; } = FindBoot();

    /// <summary>This boot is the trial of another version: what is done now must not keep the one before from coming back.</summary>
    public static bool OnTrial => Boot.Kind == BootKind.Trial;

    /// <summary>Makes it; nothing happens before <see cref="Updater.Start"/>.</summary>
    public static Updater Make(EngineStore store, Func<VerifiedFarm?> farm, LedgerStore ledger, Func<bool> identitySealed, NodeStorage storage, Uplink uplink,
        FetchClient fetch, InitConnection init, Func<(KeyId Id, int Port, IdentityKey Asker)> self, ILog log)
    {
        if (!ReleaseKeys.TryParse(File.Exists(ReleaseKeys.Path) ? File.ReadAllText(ReleaseKeys.Path) : "", out ReleaseKeys? keys, out string? fault))
        {
            log.Error($"the image's release keys are refused: {fault}");
            _ = ReleaseKeys.TryParse("", out keys, out _);
        }
        NodeHealth health = new(store, storage, uplink, self);
        return new Updater(store, new UpdateDependencies
        {
            Running = ImageRelease.Current,
            Keys = keys!,
            Boot = Boot,
            WatchdogBit = Environment.GetEnvironmentVariable("ZEROOS_WATCHDOG") == "bit",
            Settings = () => farm()?.Settings,
            SettingsDocument = () => farm()?.Document ?? throw new InvalidOperationException("nobody owns this node"),
            HighestRelease = () => Version.TryParse(ledger.Current.HighestRelease, out Version? version) ? version : null,
            Kept = version => ledger.Change(l => l.HighestRelease == version ? l : l with { HighestRelease = version }),
            SealingKey = () => identitySealed()
                ? File.ReadAllText(PcrSignatures.PublicKeyPath) : null, // what is sealed is sealed to the running image's key: the start saw to it
            Firmware = new EfiFirmware(new EfiVariables()),
            Medium = EspMedium.Open,
            Fetch = fetch.ReadBlobAsync,
            Expect = health.Expect,
            Examine = health.ExamineAsync,
            Restart = init.Restart,
            TrialKept = () =>
            {
                File.WriteAllText(KeptMark, ""); // before PID 1 knows: a node that starts again in between keeps it once more, which changes nothing
                init.TrialKept();
            },
            UptimeMs = () => KernelClock.BootTimeNs / 1_000_000,
            Log = log,
        });
    }

    /// <summary>A version on trial that cannot open the node's identity is no version to keep: it says so for the one before, and goes.</summary>
    public static void LockedOnTrial(EngineStore store, IReadOnlyList<string> owners, string why, Action restart)
    {
        if (!OnTrial)
            return;
        if (store.Update is { IsPending: true } record)
            store.SetUpdate(record with
            {
                State = UpdateState.Trial,
                Reason = "identity-locked",
                Message = $"{record.Version} cannot read this node's identity: {why}"
            }, owners);
        restart();
    }

    private static BootSource FindBoot()
    {
        BootSource boot = BootSource.Read(new EfiVariables(), Environment.GetEnvironmentVariable("ZEROOS_BOOT") == "network");
        return boot.Kind == BootKind.Trial && File.Exists(KeptMark) ? boot with { Kind = BootKind.Kept } : boot;
    }
}
