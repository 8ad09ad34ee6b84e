using System.Text;

using ZeroOS.Contracts.Init;
using ZeroOS.Linux;

namespace ZeroOS.Init.Jail;

/// <summary>
/// Role <c>enter</c>: builds a jail around this thread and becomes the program that lives in it. Nothing here starts a thread, and the runtime's own
/// other thread ends with the exec, so every thread of the program is born inside (docs/vmm.md).
/// </summary>
internal static class Enter
{
    /// <summary>Exit code when the jail could not be built; the reason is in the kernel log and on standard error.</summary>
    internal const int Failed = 120;

    private const string NewRoot = "/run/jail";
    private const int SIGXFSZ = 25;

    /// <summary>Returns only if it failed.</summary>
    internal static int Run(IReadOnlyList<string> arguments)
    {
        try
        {
            JailSpec spec = JailSpec.Parse(arguments);
            Build(spec);
            Errno errno = ChildProcess.Replace(JailSpec.ProgramDescriptor, spec.Arguments, spec.Environment);
            throw new LinuxException(errno, "execveat", spec.Arguments[0]);
        }
        catch (Exception e) when (e is LinuxException or FormatException or OverflowException or ArgumentException)
        {
            byte[] line = Encoding.UTF8.GetBytes($"<3>zeroos: enter failed: {e.Message}\n");
            using FileDescriptor log = new(JailSpec.LogDescriptor), error = new(2);
            _ = log.TryWrite(line, out _);
            _ = error.TryWrite(line.AsSpan(3), out _);
            return Failed;
        }
    }

    // The order matters: what needs powers comes before they go, and the way back is closed last.
    private static void Build(JailSpec spec)
    {
        if (spec.ControlGroup.Length > 0)
            KernelFile.Write($"{spec.ControlGroup}/cgroup.procs", "0");
        KernelFile.Write("/proc/self/oom_score_adj", $"{spec.OutOfMemoryScore}");
        CurrentThread.Limit(Resource.Core, 0);
        CurrentThread.Limit(Resource.OpenFiles, (ulong)spec.OpenFiles);
        CurrentThread.Limit(Resource.LockedMemory, (ulong)spec.LockedMemory);
        if (spec.FileBytes is { } bytes)
        {
            // Whoever meets the limit gets an error of his write, not a signal that ends him.
            CurrentThread.IgnoreSignal(SIGXFSZ);
            CurrentThread.Limit(Resource.FileSize, (ulong)bytes);
        }
        if (spec.Unshare != Namespaces.None)
            CurrentThread.Unshare(spec.Unshare);
        if (spec.Unshare.HasFlag(Namespaces.Names))
            CurrentThread.SetHostName("jail");
        if (spec.Root != JailRoot.Shared)
            TakeRoot(spec.Root);
        CurrentThread.CloseOnExec(3, InitLimits.FirstDescriptor - 1);
        CurrentThread.CloseOnExec((uint)(InitLimits.FirstDescriptor + spec.Descriptors), uint.MaxValue);
        CurrentThread.BoundCapabilities(spec.Capabilities);
        // Root keeps what is left of the bounding set; everybody else keeps nothing, and being root means nothing there.
        if (spec.Uid != 0)
        {
            CurrentThread.RootMeansNothing();
            CurrentThread.Become(spec.Uid, spec.Gid);
        }
        CurrentThread.SetCapabilities(spec.Capabilities);
        CurrentThread.NoNewPrivileges();
    }

    private static void TakeRoot(JailRoot root)
    {
        const MountFlags Quiet = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;
        Mounts.MakeAllPrivate();
        Mounts.MakeDirectory(NewRoot);
        Mounts.Mount("jail", NewRoot, "tmpfs", Quiet, "size=64k,nr_inodes=16,mode=0555");
        if (root == JailRoot.Network)
        {
            Mounts.MakeDirectory($"{NewRoot}/etc");
            Mounts.MakeDirectory($"{NewRoot}/dev");
            Mounts.Bind("/etc", $"{NewRoot}/etc", MountFlags.ReadOnly | Quiet);
            foreach (string device in (string[])["urandom", "null"])
            {
                FileDescriptor.Open($"{NewRoot}/dev/{device}", OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x124).Dispose();
                Mounts.Bind($"/dev/{device}", $"{NewRoot}/dev/{device}");
            }
        }
        Mounts.Mount("", NewRoot, "", MountFlags.Remount | MountFlags.Bind | MountFlags.ReadOnly | Quiet);
        Mounts.PivotInto(NewRoot);
    }
}
