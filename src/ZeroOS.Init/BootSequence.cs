using System.Diagnostics;
using System.Globalization;

using ZeroOS.Contracts.Release;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// The boot of a node, up to the supervisor that starts role <c>node</c>. Whoever reads this table has read the manual. It runs twice: the first time up
/// to bounded-root, which starts /init anew in the new root; the second time every step before it finds its work done.
/// </summary>
internal static class BootSequence
{
    internal static readonly IReadOnlyList<BootStep> Steps =
    [
        new("pseudo-filesystems", PseudoFileSystems.Mount, OnFailure.Halt),
        new("screen", boot => boot.Screen = boot.Kernel.OpenScreen(), OnFailure.Continue), // a person waits for the first line
        new("kernel-log", boot => boot.Kernel.OpenLog(boot.Log), OnFailure.Continue),
        new("bounded-root", BoundedRoot.Move, OnFailure.Halt),         // pivot_root, which the jails need, refuses on the initial rootfs
        new("command-line", KernelCommandLine.Read, OnFailure.Continue), // hostile input: allow-list only
        new("trial", LookForTrial, OnFailure.Continue),                // an image that the firmware started for this once
        new("sysctls", Sysctls.Apply, OnFailure.Continue),
        new("control-groups", boot => ControlGroups.Prepare(boot.Kernel), OnFailure.Continue),
        new("watchdog", ArmWatchdog, OnFailure.Continue),
        new("entropy", boot => boot.Kernel.GatherRandomness(), OnFailure.Continue),
        new("devices", Devices.Check, OnFailure.Continue),
        new("loopback", boot => boot.Kernel.LoopbackUp(), OnFailure.Continue),
    ];

    // Long enough for a slow disk at boot, short enough that a hung node is back within two minutes.
    private const int WatchdogSeconds = 60;

    /// <summary>Runs every step in order.</summary>
    /// <exception cref="BootException">A step failed without which the boot cannot go on.</exception>
    internal static void Run(Boot boot, IReadOnlyList<BootStep> steps)
    {
        foreach (BootStep step in steps)
        {
            long began = Stopwatch.GetTimestamp();
            boot.Screen?.Step(step.Name);
            try
            {
                step.Run(boot);
            }
            catch (Exception e)
            {
                if (step.OnFailure == OnFailure.Halt)
                    throw new BootException(step.Name, e);
                boot.Log.Warn($"boot step={step.Name} failed: {e.Message}");
                continue;
            }
            double ms = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            boot.Log.Write(LogLevel.Debug, string.Create(CultureInfo.InvariantCulture, $"boot step={step.Name} ms={ms:F1}"));
        }
    }

    // The stub's variable is text of two bytes a character behind four bytes of attributes; a path is ASCII, so leaving the zeros out is reading it.
    private static void LookForTrial(Boot boot)
    {
        string said = boot.Kernel.Read("/sys/firmware/efi/efivars/LoaderImageIdentifier-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f") ?? "";
        boot.OnTrial = said.Replace("\0", "", StringComparison.Ordinal).Replace('\\', '/').EndsWith('/' + EfiPaths.Trial, StringComparison.OrdinalIgnoreCase);
        if (boot.OnTrial)
            boot.Log.Info("this image is on trial: unless its node proves itself, the one from before comes back");
    }

    private static void ArmWatchdog(Boot boot)
    {
        boot.Watchdog = boot.Kernel.ArmWatchdog(WatchdogSeconds);
        if (boot.Watchdog is { CausedBoot: true })
            boot.Settings = new Dictionary<string, string>(boot.Settings) { ["watchdog"] = "bit" };
        if (boot.Watchdog is { } watchdog)
            boot.Log.Info($"watchdog armed seconds={watchdog.TimeoutSeconds}{(watchdog.CausedBoot ? " (it caused this boot)" : "")}");
        else
            boot.Log.Info("watchdog none");
    }
}
