using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// The pseudo file systems a container expects, as Docker makes them, inside the root and the new process-id namespace. /run is left to the image, as
/// Docker leaves it: some images keep directories there.
/// </summary>
internal static class WorkloadMounts
{
    private const MountFlags Quiet = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;

    internal static void Mount(string rootPath, bool privileged, long shmBytes)
    {
        using RootedDirectory root = new(rootPath);
        MountFlags locked = privileged ? MountFlags.None : MountFlags.ReadOnly;
        At(root, "/proc", "proc", "proc", Quiet);
        At(root, "/sys", "sysfs", "sysfs", Quiet | locked);
        At(root, "/sys/fs/cgroup", "cgroup2", "cgroup2", Quiet | locked);
        At(root, "/dev", "tmpfs", "tmpfs", MountFlags.NoSuid, "mode=755,size=65536k");
        At(root, "/dev/pts", "devpts", "devpts", MountFlags.NoSuid | MountFlags.NoExec, "newinstance,gid=5,mode=620,ptmxmode=666");
        At(root, "/dev/shm", "tmpfs", "shm", Quiet, $"mode=1777,size={shmBytes}");
        At(root, "/dev/mqueue", "mqueue", "mqueue", Quiet);
        using FileDescriptor dev = root.TryOpen("/dev", OpenFlags.Path | OpenFlags.Directory, 0, out Errno errno)
            ?? throw new LinuxException(errno, "open", "/dev");
        MakeDevices($"/proc/self/fd/{dev.Number}", privileged);
        if (!privileged)
        {
            // Root in the workload owns these files, so capabilities alone do not keep it from writing them.
            foreach (string path in (ReadOnlySpan<string>)["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"])
                ShowReadOnly(root, path);
        }
    }

    private static void At(RootedDirectory root, string path, string type, string source, MountFlags flags, string options = "")
    {
        using FileDescriptor target = root.MakeDirectory(path, out _);
        Mounts.Mount(source, $"/proc/self/fd/{target.Number}", type, flags, options);
    }

    private static void ShowReadOnly(RootedDirectory root, string path)
    {
        using FileDescriptor? there = root.TryOpen(path, OpenFlags.Path, 0, out _);
        if (there is null)
            return;
        string target = $"/proc/self/fd/{there.Number}";
        Mounts.Mount(target, target, "", MountFlags.Bind);
        Mounts.MakeReadOnly(root, path, Quiet);
    }

    private static void MakeDevices(string dev, bool privileged)
    {
        foreach ((string name, uint major, uint minor) in (ReadOnlySpan<(string, uint, uint)>)[("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8),
            ("urandom", 1, 9), ("tty", 5, 0)])
            FileEntry.Make($"{dev}/{name}", EntryKind.CharacterDevice, 0x1B6, FileEntry.Device(major, minor));
        if (privileged)
            MakeOtherDevices(dev);
        FileEntry.MakeLink($"{dev}/ptmx", "pts/ptmx");
        FileEntry.MakeLink($"{dev}/fd", "/proc/self/fd");
        FileEntry.MakeLink($"{dev}/stdin", "/proc/self/fd/0");
        FileEntry.MakeLink($"{dev}/stdout", "/proc/self/fd/1");
        FileEntry.MakeLink($"{dev}/stderr", "/proc/self/fd/2");
        FileEntry.MakeLink($"{dev}/core", "/proc/kcore");
    }

    // Everything else the kernel has, as docker run --privileged shows it.
    private static void MakeOtherDevices(string dev)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries("/dev"))
        {
            if (FileEntry.TryStatus(path) is { Kind: EntryKind.CharacterDevice or EntryKind.BlockDevice } status
                && FileEntry.TryStatus($"{dev}/{Path.GetFileName(path)}") is null)
                FileEntry.Make($"{dev}/{Path.GetFileName(path)}", status.Kind, status.Mode, status.Device);
        }
    }
}
