using ZeroOS.Bus.Release;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Flist;
using ZeroOS.Images.Fetch;
using ZeroOS.Linux;

namespace ZeroOS.Node.Update;

/// <summary>What the updater is given by the rest of the node, and what tests put in its place.</summary>
internal sealed record UpdateDependencies
{
    /// <summary>The image that runs.</summary>
    public required ImageRelease Running { get; init; }

    /// <summary>Who makes releases, by the running image.</summary>
    public required ReleaseKeys Keys { get; init; }

    /// <summary>Where this boot came from.</summary>
    public required BootSource Boot { get; init; }

    /// <summary>The last restart was the watchdog's doing.</summary>
    public required bool WatchdogBit { get; init; }

    /// <summary>The farm settings in force; null without.</summary>
    public required Func<FarmSettings?> Settings { get; init; }

    /// <summary>The signed farm settings in force, to go beside the new version.</summary>
    public required Func<byte[]> SettingsDocument { get; init; }

    /// <summary>The highest version that was ever kept, as the ledger says, which no database that comes back takes with it; null before the first.</summary>
    public required Func<Version?> HighestRelease { get; init; }

    /// <summary>Notes in the ledger that a version is kept.</summary>
    public required Action<string> Kept { get; init; }

    /// <summary>The PEM key to whose signed policies the identity is sealed; null when it is not sealed.</summary>
    public required Func<string?> SealingKey { get; init; }

    /// <summary>The firmware.</summary>
    public required IFirmware Firmware { get; init; }

    /// <summary>Opens the boot medium by its partition.</summary>
    public required Func<Guid, IBootMedium> Medium { get; init; }

    /// <summary>Fills a buffer with a range of a blob, not verified (<see cref="FetchClient"/>).</summary>
    public required Func<FetchSource, Sha256Digest, long, Memory<byte>, CancellationToken, Task> Fetch { get; init; }

    /// <summary>What is well now and has to be again after the restart.</summary>
    public required Func<HealthExpectation> Expect { get; init; }

    /// <summary>Looks whether everything expected is well.</summary>
    public required Func<HealthExpectation, CancellationToken, Task<HealthFinding>> Examine { get; init; }

    /// <summary>Restarts the computer in order.</summary>
    public required Action Restart { get; init; }

    /// <summary>Tells PID 1 that the version on trial is kept.</summary>
    public required Action TrialKept { get; init; }

    /// <summary>Milliseconds since the kernel started.</summary>
    public required Func<long> UptimeMs { get; init; }

    /// <summary>How often health is looked at during a trial.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Timers.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where log lines go.</summary>
    public required ILog Log { get; init; }
}
