using ZeroOS.Contracts.Release;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>The real kernel.</summary>
internal sealed class LinuxBootKernel : IBootKernel
{
    // Mounts of their own (moved, not copied), and the new root itself.
    private static readonly string[] s_notRoot = ["/dev", "/proc", "/run", "/sys", BoundedRoot.NewRoot];

    public IReadOnlyList<MountPoint> Mounted()
        => KernelFile.TryRead("/proc/self/mounts", out _) is null ? [] : Mounts.List();

    public Errno Mount(string source, string target, string type, MountFlags flags, string options) => Mounts.TryMount(source, target, type, flags, options);

    public void MakeDirectory(string path, int mode) => Mounts.MakeDirectory(path, mode);

    public Errno Write(string path, string text) => KernelFile.TryWrite(path, text);

    public void MakeFile(string path, string text)
    {
        using FileDescriptor file = FileDescriptor.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, Mode.ReadableByAll);
        file.Write(System.Text.Encoding.UTF8.GetBytes(text));
    }

    public string? Read(string path) => KernelFile.TryRead(path, out _);

    public bool Exists(string path) => Path.Exists(path);

    public long RootBytes() => RootFiles("/").Sum(f => f is FileInfo file ? file.Length : 0);

    public void MoveRootFiles(string newRoot)
    {
        byte[] buffer = new byte[1 << 20];
        foreach (FileSystemInfo entry in RootFiles("/"))
        {
            string target = newRoot + entry.FullName;
            if (entry is DirectoryInfo)
            {
                MakeDirectory(target, (int)entry.UnixFileMode);
                continue;
            }
            using (FileDescriptor from = FileDescriptor.Open(entry.FullName, OpenFlags.ReadOnly | OpenFlags.NoFollow))
            using (FileDescriptor to = FileDescriptor.Open(target, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, (int)entry.UnixFileMode))
            {
                while (from.Read(buffer) is var read && read > 0)
                    to.Write(buffer.AsSpan(0, read));
            }
            File.Delete(entry.FullName);
        }
    }

    public void MoveOverRoot(string newRoot) => Mounts.MoveOverRoot(newRoot);

    public void ReExecute()
    {
        // Blocked here, and by inheritance in every thread of the program that follows, so that only its signalfd sees them (InitProcess).
        SignalFd.Block(InitProcess.Signals);
        Errno errno = ChildProcess.Replace("/init", ["/init"], ["DOTNET_GCHeapHardLimit=4000000"]);
        throw new LinuxException(errno, "execve", "/init");
    }

    public void OpenLog(KernelLog log) => log.Open();

    public BootScreen? OpenScreen()
    {
        BootScreen? screen = BootScreen.TryOpen();
        screen?.Begin($"ZeroOS {ImageRelease.Current.Version.ToString(3)}");
        return screen;
    }

    public WatchdogDevice? ArmWatchdog(int timeoutSeconds) => WatchdogDevice.TryArm("/dev/watchdog", timeoutSeconds);

    public void GatherRandomness()
    {
        using FileDescriptor? hardware = FileDescriptor.TryOpen("/dev/hwrng", OpenFlags.ReadOnly | OpenFlags.NonBlocking, 0, out _);
        using FileDescriptor? pool = FileDescriptor.TryOpen("/dev/urandom", OpenFlags.WriteOnly, 0, out _);
        byte[] seed = new byte[64];
        if (hardware is not null && pool is not null && hardware.TryRead(seed, out int read) == Errno.None)
            _ = pool.TryWrite(seed.AsSpan(0, read), out _);
        _ = Computer.WaitForRandomness();
    }

    public void LoopbackUp() => LoopbackInterface.Up();

    public Errno TameCtrlAltDel() => Computer.CtrlAltDelIsASignal();

    public void LimitOpenFiles(ulong limit) => CurrentThread.Limit(Resource.OpenFiles, limit);

    // Directories before what is in them. The initramfs holds directories and regular files only (image/manifest).
    private static IEnumerable<FileSystemInfo> RootFiles(string directory)
    {
        foreach (FileSystemInfo entry in new DirectoryInfo(directory).EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0 }).ToArray())
        {
            if (s_notRoot.Contains(entry.FullName) || entry.LinkTarget is not null)
                continue;
            yield return entry;
            if (entry is DirectoryInfo)
            {
                foreach (FileSystemInfo inner in RootFiles(entry.FullName))
                    yield return inner;
            }
        }
    }
}
