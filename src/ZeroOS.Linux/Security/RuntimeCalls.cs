namespace ZeroOS.Linux.Security;

/// <summary>What the .NET runtime asks of the kernel once it runs, on any thread: rows for the table of every program that is made with it.</summary>
public static class RuntimeCalls
{
    private const ulong PROT_EXEC = 4, MAP_SHARED = 1, PR_SET_NAME = 15, PR_SET_VMA = 0x53564d41;
    private const ulong CloneThread = 0x3d0f00, MADV_DONTNEED = 4, MADV_FREE = 8, MADV_HUGEPAGE = 14, MADV_DONTDUMP = 16, MADV_DODUMP = 17;

    // CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID and CHILD_CLEARTID: what pthread_create(3) says, and nothing else makes a thread.
    private static readonly ArgumentRule s_onlyThreads = ArgumentRule.OneOf(0, CloneThread);

    /// <summary>Memory, locks, signals between threads, time; no files, no new threads.</summary>
    public static IEnumerable<SystemCallRule> Of(int processId) =>
    [
        new(SystemCall.futex, "locks and waits"),
        new(SystemCall.sched_yield, "the collector's spinning"),
        new(SystemCall.mmap, "heap and stacks; never executable, never shared", ArgumentRule.Without(2, PROT_EXEC), ArgumentRule.Without(3, MAP_SHARED)),
        new(SystemCall.mprotect, "the collector commits memory", ArgumentRule.Without(2, PROT_EXEC)),
        new(SystemCall.munmap, "heap and stacks"),
        new(SystemCall.mremap, "realloc(3)"),
        new(SystemCall.brk, "malloc(3)"),
        new(SystemCall.madvise, "memory given back, by the collector and by the balloon",
            ArgumentRule.OneOf(2, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_DONTDUMP, MADV_DODUMP)),
        new(SystemCall.membarrier, "the collector stops threads"),
        new(SystemCall.tgkill, "the collector stops threads, the kick of a processor; this process only", ArgumentRule.OneOf(0, (ulong)processId)),
        new(SystemCall.rt_sigprocmask, "threads begin and end, abort(3)"),
        new(SystemCall.rt_sigaction, "abort(3)"),
        new(SystemCall.rt_sigreturn, "the end of the signal with which threads are stopped"),
        new(SystemCall.sigaltstack, "threads begin and end"),
        new(SystemCall.clock_gettime, "where the vDSO cannot tell the time"),
        new(SystemCall.gettimeofday, "where the vDSO cannot tell the time"),
        new(SystemCall.time, "where the vDSO cannot tell the time"),
        new(SystemCall.clock_getres, "where the vDSO cannot tell the time"),
        new(SystemCall.clock_nanosleep, "the collector's waiting"),
        new(SystemCall.nanosleep, "the collector's waiting"),
        new(SystemCall.restart_syscall, "a sleep goes on after a signal"),
        new(SystemCall.getcpu, "which heap to allocate from, where the vDSO cannot tell"),
        new(SystemCall.sched_getaffinity, "threads begin"),
        new(SystemCall.gettid, "threads begin, abort(3)"),
        new(SystemCall.getpid, "the kick of a processor, abort(3)"),
        new(SystemCall.rseq, "threads begin"),
        new(SystemCall.set_robust_list, "threads begin"),
        new(SystemCall.prctl, "threads and memory have names", ArgumentRule.OneOf(0, PR_SET_NAME, PR_SET_VMA)),
        new(SystemCall.exit, "threads end"),
        new(SystemCall.exit_group, "the process ends"),
        new(SystemCall.prlimit64, "the collector asks for limits; it sets none", ArgumentRule.Without(2, ulong.MaxValue)),
        new(SystemCall.sysinfo, "the collector asks how much memory is free"),
    ];

    /// <summary>Threads begin.</summary>
    public static IEnumerable<SystemCallRule> Threads =>
    [
        new(SystemCall.clone, "threads begin", s_onlyThreads),
        new(SystemCall.clone3, "its flags are in memory, where a filter cannot see them; pthread_create(3) then uses clone") { Answer = Errno.ENOSYS },
    ];

    /// <summary>In an empty root there is nothing to find: the runtime looks all the same, and does without.</summary>
    public static IEnumerable<SystemCallRule> NoFiles =>
    [
        new(SystemCall.openat, "the collector looks for limits in /proc and /sys, which the empty root has not") { Answer = Errno.ENOENT },
        new(SystemCall.stat, "whether a file is there") { Answer = Errno.ENOENT },
        new(SystemCall.lstat, "whether a file is there") { Answer = Errno.ENOENT },
        new(SystemCall.access, "whether a file is there") { Answer = Errno.ENOENT },
        new(SystemCall.readlink, "where a link leads") { Answer = Errno.ENOENT },
    ];

    /// <summary>The thread pool: it measures how busy the process is, to know how many threads are right.</summary>
    public static IEnumerable<SystemCallRule> Pool =>
    [
        new(SystemCall.getrusage, "the thread pool asks how busy the process is"),
        new(SystemCall.getrandom, "seeds of hash tables, random numbers"),
        new(SystemCall.write, "events, the report of a forbidden call"),
        new(SystemCall.read, "events"),
        new(SystemCall.close, "what was opened"),
    ];
}
