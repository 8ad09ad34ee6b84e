using System.Text;

namespace ZeroOS.Linux;

/// <summary>What a child is started as.</summary>
public sealed record ChildStart
{
    /// <summary>The program's path.</summary>
    public required string Path { get; init; }

    /// <summary>argv, the name first.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>"NAME=value"; nothing is inherited.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Which descriptors it gets, and under which numbers; all others are closed by their close-on-exec flag.</summary>
    public required IReadOnlyList<(FileDescriptor Source, int Target)> Descriptors { get; init; }

    /// <summary>It is the first process of a process-id namespace of its own.</summary>
    public bool NewPidNamespace { get; init; }

    /// <summary>Its first three descriptors are a terminal that controls no session yet: it controls the child's own.</summary>
    public bool TakesTerminal { get; init; }

    /// <summary>The process-id namespace that it belongs to (/proc/PID/ns/pid), one below this process's own; null: this process's.</summary>
    public FileDescriptor? PidNamespace { get; init; }
}

/// <summary>Children of this process by posix_spawn(3) and waitid(2); no managed code runs between the two worlds.</summary>
public static unsafe class ChildProcess
{
    private const short POSIX_SPAWN_SETSIGDEF = 4, POSIX_SPAWN_SETSIGMASK = 8, POSIX_SPAWN_SETSID = 0x80;
    private const int P_ALL = 0, P_PID = 1, WEXITED = 4, WNOWAIT = 0x01000000;

    // Sources are copied up here first, so that no dup2 of one can overwrite the source of another.
    private const int StagingFrom = 512;

    /// <summary>Starts a child in its own session with default signals and an empty mask, and returns its process id as this process sees it.</summary>
    /// <exception cref="LinuxException">What the kernel refused, with the program's path.</exception>
    public static int Spawn(ChildStart start)
    {
        List<FileDescriptor> staged = [];
        using CStringVector argv = new(start.Arguments), envp = new(start.Environment);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none = default, all;
        _ = sigfillset(&all);
        _ = Libc.posix_spawn_file_actions_init(&actions);
        _ = Libc.posix_spawnattr_init(&attributes);
        _ = Libc.posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
        _ = Libc.posix_spawnattr_setsigmask(&attributes, &none);
        _ = Libc.posix_spawnattr_setsigdefault(&attributes, &all);
        try
        {
            foreach ((FileDescriptor source, int target) in start.Descriptors)
            {
                int copy = fcntl(source.Number, F_DUPFD_CLOEXEC, StagingFrom);
                if (copy < 0)
                    throw new LinuxException(Libc.LastError, "dup", $"descriptor {source.Number} for {start.Path}");
                staged.Add(new FileDescriptor(copy));
                _ = Libc.posix_spawn_file_actions_adddup2(&actions, copy, target);
            }
            // Whoever leads a session without a terminal and opens one has it (tty_ioctl(4), TIOCSCTTY, in the child of posix_spawn(3)).
            if (start.TakesTerminal)
            {
                fixed (byte* terminal = "/proc/self/fd/1\0"u8)
                    _ = Libc.posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0);
            }
            int pid;
            int error;
            fixed (byte* path = Encoding.UTF8.GetBytes(start.Path + '\0'))
            {
                using FileDescriptor? ownPids = start.NewPidNamespace || start.PidNamespace is not null ? ChangePidNamespace(start.PidNamespace) : null;
                error = Libc.posix_spawn(&pid, path, &actions, &attributes, argv.Pointers, envp.Pointers);
                if (ownPids is not null && setns(ownPids.Number, CLONE_NEWPID) != 0)
                    throw new LinuxException(Libc.LastError, "setns", "own process ids");
            }
            return error == 0 ? pid : throw new LinuxException((Errno)error, "posix_spawn", start.Path);
        }
        finally
        {
            staged.ForEach(d => d.Dispose());
            _ = Libc.posix_spawn_file_actions_destroy(&actions);
            _ = Libc.posix_spawnattr_destroy(&attributes);
        }
    }

    /// <summary>
    /// Waits for a child to end and forgets it; <paramref name="pid"/> 0 means any. ECHILD when there is none. With <paramref name="leave"/> it is not
    /// forgotten: it keeps its process id until somebody waits again.
    /// </summary>
    public static Errno TryWait(int pid, out ProcessExit exit, bool leave = false)
    {
        siginfo_t info = default;
        exit = default;
        while (Libc.waitid(pid == 0 ? P_ALL : P_PID, (uint)pid, &info, leave ? WEXITED | WNOWAIT : WEXITED) != 0)
        {
            if (Libc.LastError is var errno && errno != Errno.EINTR)
                return errno;
        }
        exit = info.si_code == CLD_EXITED ? new ProcessExit(info.si_pid, info.si_status, 0) : new ProcessExit(info.si_pid, 0, info.si_status);
        return Errno.None;
    }

    /// <summary>Sends a signal; -1 means every process but this and the first.</summary>
    public static Errno TryKill(int pid, int signal) => kill(pid, signal) == 0 ? Errno.None : Libc.LastError;

    /// <summary>Becomes another program; returns only to say why not.</summary>
    public static Errno Replace(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        using CStringVector argv = new(arguments), envp = new(environment);
        fixed (byte* p = Encoding.UTF8.GetBytes(path + '\0'))
        {
            _ = execve(p, argv.Pointers, envp.Pointers);
            return Libc.LastError;
        }
    }

    /// <summary>Becomes the program that is open as descriptor <paramref name="program"/>; no path is looked at. Returns only to say why not.</summary>
    public static Errno Replace(int program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        using CStringVector argv = new(arguments), envp = new(environment);
        byte empty = 0;
        _ = Libc.execveat(program, &empty, argv.Pointers, envp.Pointers, AT_EMPTY_PATH);
        return Libc.LastError;
    }

    // The namespace for children belongs to the calling thread, and only its next child enters it; the thread itself stays where it is
    // and must be set back, because a second unshare from a changed thread is EINVAL (pid_namespaces(7)).
    private static FileDescriptor ChangePidNamespace(FileDescriptor? into)
    {
        FileDescriptor own = FileDescriptor.Open("/proc/thread-self/ns/pid", OpenFlags.ReadOnly);
        if ((into is null ? unshare(CLONE_NEWPID) : setns(into.Number, CLONE_NEWPID)) == 0)
            return own;
        Errno errno = Libc.LastError;
        own.Dispose();
        throw new LinuxException(errno, into is null ? "unshare" : "setns", "process ids");
    }
}
