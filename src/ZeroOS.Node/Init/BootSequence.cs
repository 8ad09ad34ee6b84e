using System.Diagnostics;
using System.Globalization;

namespace ZeroOS.Node.Init;

/// <summary>
/// The boot of a node, up to the supervisor that starts role <c>node</c>. Whoever reads this table has read the manual. It runs twice: the first time up
/// to bounded-root, which starts /init anew in the new root; the second time every step before it finds its work done.
/// </summary>
internal static class BootSequence
{
    internal static readonly IReadOnlyList<BootStep> Steps =
    [
        new("pseudo-filesystems", PseudoFileSystems.Mount, OnFailure.Halt),
        new("kernel-log", boot => boot.Kernel.OpenLog(boot.Log), OnFailure.Continue),
        new("bounded-root", BoundedRoot.Move, OnFailure.Halt),         // pivot_root, which the jails need, refuses on the initial rootfs
        new("command-line", KernelCommandLine.Read, OnFailure.Continue), // hostile input: allow-list only
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

    private static void ArmWatchdog(Boot boot)
    {
        boot.Watchdog = boot.Kernel.ArmWatchdog(WatchdogSeconds);
        if (boot.Watchdog is { } watchdog)
            boot.Log.Info($"watchdog armed seconds={watchdog.TimeoutSeconds}{(watchdog.CausedBoot ? " (it caused this boot)" : "")}");
        else
            boot.Log.Info("watchdog none");
    }
}
