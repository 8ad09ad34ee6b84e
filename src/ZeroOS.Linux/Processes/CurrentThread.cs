using System.Text;

namespace ZeroOS.Linux;

/// <summary>Resources of setrlimit(2) that are limited here.</summary>
public enum Resource
{
    FileSize = 1, Core = 4, OpenFiles = 7, LockedMemory = 8,
}

/// <summary>
/// What the calling thread may be and do. Credentials are set by the raw system calls: glibc's wrappers would signal every other thread to do the same,
/// which a step that is about to be replaced by another program neither needs nor wants.
/// </summary>
public static unsafe class CurrentThread
{
    private const int SYS_setgroups = 116, SYS_setresuid = 117, SYS_setresgid = 119;
    private const int PR_SET_DUMPABLE = 4;
    private const int PR_SET_NO_NEW_PRIVS = 38, PR_SET_SECUREBITS = 28, PR_CAPBSET_DROP = 24, PR_CAP_AMBIENT = 47, PR_CAP_AMBIENT_CLEAR_ALL = 4;
    private const int SYS_capset = 126, LinuxCapabilityVersion3 = 0x20080522, CLOSE_RANGE_CLOEXEC = 4;
    private const int SECBIT_NOROOT = 1, SECBIT_NOROOT_LOCKED = 2, SECBIT_NO_CAP_AMBIENT_RAISE = 64, SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED = 128;

    /// <summary>This process's id in its own namespace.</summary>
    public static int ProcessId => getpid();

    /// <summary>Leaves namespaces for new, empty ones.</summary>
    public static void Unshare(Namespaces namespaces) => Check(unshare((int)namespaces), "unshare", namespaces.ToString());

    /// <summary>Moves into a namespace of that one kind (/proc/PID/ns/...); into one of mounts with its root as root and working directory.</summary>
    public static void Join(FileDescriptor space, Namespaces kind)
    {
        // The threads of a process share root and working directory, and setns(2) does not change what is shared.
        if (kind == Namespaces.Mounts)
            Check(unshare(CLONE_FS), "unshare", "root and working directory");
        Check(setns(space.Number, (int)kind), "setns", kind.ToString());
    }

    /// <summary>Sets the host name of the current namespace.</summary>
    public static void SetHostName(string name)
    {
        byte[] text = Encoding.ASCII.GetBytes(name);
        fixed (byte* p = text)
            Check(sethostname(p, text.Length), "sethostname", name);
    }

    /// <summary>Sets both the soft and the hard limit, to no more than the hard limit this process has if it may not raise it.</summary>
    public static void Limit(Resource resource, ulong value) => Limit(resource, value, value);

    /// <summary>
    /// Sets the soft and the hard limit, both to no more than the hard limit this process has if it may not raise it; <see cref="ulong.MaxValue"/> is none.
    /// </summary>
    public static void Limit(Resource resource, ulong soft, ulong hard)
    {
        rlimit64 limit = new() { rlim_cur = soft, rlim_max = hard }, had;
        if (Libc.prlimit64(0, (int)resource, &limit, null) == 0)
            return;
        Check(Libc.prlimit64(0, (int)resource, null, &had), "prlimit", resource.ToString());
        (limit.rlim_cur, limit.rlim_max) = (Math.Min(soft, had.rlim_max), Math.Min(hard, had.rlim_max));
        Check(Libc.prlimit64(0, (int)resource, &limit, null), "prlimit", resource.ToString());
    }

    /// <summary>Every descriptor of the range closes when another program is started.</summary>
    public static void CloseOnExec(uint first, uint last) => Check(Libc.close_range(first, last, CLOSE_RANGE_CLOEXEC), "close_range", $"{first}-{last}");

    /// <summary>Becomes user <paramref name="uid"/> with group <paramref name="gid"/> and <paramref name="supplementary"/> groups, none if not given.</summary>
    public static void Become(uint uid, uint gid, ReadOnlySpan<uint> supplementary = default)
    {
        fixed (uint* groups = supplementary)
            Check((int)syscall(SYS_setgroups, supplementary.Length, groups), "setgroups", "");
        Check((int)syscall(SYS_setresgid, gid, gid, gid), "setresgid", $"{gid}");
        Check((int)syscall(SYS_setresuid, uid, uid, uid), "setresuid", $"{uid}");
    }

    /// <summary>Ignores a signal: this process, and the program that it becomes.</summary>
    public static void IgnoreSignal(int signal)
    {
        const int SYS_rt_sigaction = 13, KernelSetBytes = 8;
        // SAFETY: the kernel's struct sigaction on x86-64 is four words: handler, flags, restorer, mask.
        nint* action = stackalloc nint[4] { (nint)SIG_IGN, 0, 0, 0 };
        Check((int)syscall(SYS_rt_sigaction, signal, action, null, KernelSetBytes), "rt_sigaction", $"{signal}");
    }

    /// <summary>Signals that this runtime ignores are default again for the next program: being ignored survives execve(2), handlers do not.</summary>
    public static void UnignoreSignals()
    {
        // By the raw call: posix_spawn(3) leaves glibc's own signals 32 and 33 ignored in the child, and its sigaction(3) refuses to touch them.
        const int SYS_rt_sigaction = 13, KernelSetBytes = 8;
        nint* action = stackalloc nint[4];
        for (int signal = 1; signal <= 64; signal++)
        {
            // SAFETY: the kernel's struct sigaction on x86-64 is four words: handler, flags, restorer, mask.
            if ((int)syscall(SYS_rt_sigaction, signal, null, action, KernelSetBytes) == 0 && action[0] == (nint)SIG_IGN)
            {
                new Span<nint>(action, 4).Clear();
                _ = syscall(SYS_rt_sigaction, signal, action, null, KernelSetBytes);
            }
        }
    }

    /// <summary>The kernel no longer gives capabilities for being root, for ever; nor ambient ones.</summary>
    public static void RootMeansNothing()
        =>
        Check(Libc.prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0, 0, 0),
            "prctl", "secure bits");

    /// <summary>Drops all but <paramref name="kept"/> from the bounding set; they can never be had again, by no program started from here.</summary>
    public static void BoundCapabilities(CapabilitySet kept)
    {
        Check(Libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl", "ambient capabilities");
        for (int capability = 0; capability < 64; capability++)
        {
            if (kept.Contains((Capability)capability))
                continue;
            if (Libc.prctl(PR_CAPBSET_DROP, (nuint)capability, 0, 0, 0) == 0)
                continue;
            // The first number the kernel does not know ends the list.
            if (Libc.LastError == Errno.EINVAL)
                return;
            throw new LinuxException(Libc.LastError, "prctl", $"bounding set {capability}");
        }
    }

    /// <summary>Sets permitted and effective capabilities to <paramref name="capabilities"/>, inheritable to none.</summary>
    public static void SetCapabilities(CapabilitySet capabilities)
    {
        uint* header = stackalloc uint[2] { LinuxCapabilityVersion3, 0 };
        uint low = (uint)capabilities.Bits, high = (uint)(capabilities.Bits >> 32);
        uint* data = stackalloc uint[6] { low, low, 0, high, high, 0 };
        Check((int)syscall(SYS_capset, header, data), "capset", $"{capabilities.Bits:x}");
    }

    /// <summary>No program started from here gains privileges, whatever its file says (PR_SET_NO_NEW_PRIVS).</summary>
    public static void NoNewPrivileges() => Check(Libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "no new privileges");

    /// <summary>Until it becomes another program nobody reads or traces this process who may not trace all (PR_SET_DUMPABLE).</summary>
    public static void ForbidTracing() => Check(Libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl", "dumpable");

    private static void Check(int result, string operation, string subject)
    {
        if (result != 0)
            throw new LinuxException(Libc.LastError, operation, subject);
    }
}
