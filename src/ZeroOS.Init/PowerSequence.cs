using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// The last steps of the computer, after the node has stopped its guests: end what still runs, write everything to the disks, let go of them, go.
/// </summary>
internal static class PowerSequence
{
    private const int ProcessesMayTakeMs = 5_000;
    private static readonly string[] s_inMemory = ["proc", "sysfs", "devtmpfs", "tmpfs", "rootfs", "cgroup2", "securityfs", "efivarfs", "pstore", "nsfs"];

    /// <summary>Does not return unless the kernel refuses; then PID 1 fails, which restarts the computer.</summary>
    internal static void GoDown(PowerRequest request, Reaper reaper, Boot boot)
    {
        boot.Watchdog?.Feed();
        _ = ChildProcess.TryKill(-1, SignalFd.SIGKILL);
        if (!reaper.WaitUntilChildless(ProcessesMayTakeMs))
            boot.Log.Warn("processes are still dying, going on without them");
        Computer.Sync();
        boot.Watchdog?.Feed();
        foreach (MountPoint mount in Mounts.List().Reverse().Where(m => !s_inMemory.Contains(m.Type)))
        {
            Errno errno = Mounts.TryUnmount(mount.Target);
            if (errno == Errno.EBUSY)
                errno = Mounts.TryMount("", mount.Target, "", MountFlags.Remount | MountFlags.ReadOnly);
            if (errno != Errno.None)
                boot.Log.Warn($"unmount target={mount.Target} refused={errno}");
        }
        Computer.Sync();
        boot.Log.Info(request == PowerRequest.PowerOff ? "power off" : "restart");
        Errno refused = request == PowerRequest.PowerOff ? Computer.PowerOff() : Computer.Restart();
        throw new LinuxException(refused, "reboot", request.ToString());
    }
}
