using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Boot;

/// <summary>The mounts of zguest itself, on the empty initramfs. The workload gets its own (<see cref="Workload.WorkloadMounts"/>).</summary>
internal static class SystemMounts
{
    internal static void Mount()
    {
        MountPseudo("proc", "/proc", "proc");
        MountPseudo("sysfs", "/sys", "sysfs");
        MountPseudo("devtmpfs", "/dev", "devtmpfs", MountFlags.NoSuid, "mode=755");
        MountPseudo("tmpfs", "/run", "tmpfs", MountFlags.NoSuid | MountFlags.NoDev, "mode=755");
        MountPseudo("cgroup2", "/sys/fs/cgroup", "cgroup2");
        // Controllers make the kernel count what the workload uses and whether it was killed for want of memory.
        foreach (string controller in (ReadOnlySpan<string>)["+memory", "+pids", "+cpu", "+io"])
            _ = KernelFile.TryWrite("/sys/fs/cgroup/cgroup.subtree_control", controller);
        Mounts.MakeDirectory(WorkloadCgroup.Path);
        // If memory runs out the kernel takes the workload, never the one who reports it.
        _ = KernelFile.TryWrite("/proc/self/oom_score_adj", "-1000");
    }

    /// <summary>Unmounts what lies on disks, newest first, until nothing is left or nothing gives way.</summary>
    internal static void UnmountDisks()
    {
        Computer.Sync();
        foreach (MountPoint mount in Mounts.List().Reverse().Where(m => m.Target.StartsWith("/run/", StringComparison.Ordinal)))
        {
            if (Mounts.TryUnmount(mount.Target) != Errno.None)
                _ = Mounts.TryUnmount(mount.Target, detach: true);
        }
        Computer.Sync();
    }

    private static void MountPseudo(string source, string target, string type, MountFlags flags = MountFlags.None, string options = "")
    {
        Mounts.MakeDirectory(target);
        if (type is "proc" or "sysfs" or "cgroup2")
            flags |= MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;
        if (Mounts.TryMount(source, target, type, flags, options) is var errno && errno is not (Errno.None or Errno.EBUSY))
            throw new LinuxException(errno, "mount", target);
    }
}
