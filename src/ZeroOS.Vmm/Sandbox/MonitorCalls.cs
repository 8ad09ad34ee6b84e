using ZeroOS.Linux;
using ZeroOS.Linux.Security;
using ZeroOS.Vmm.Devices.Net;
using ZeroOS.Vmm.Kvm;

namespace ZeroOS.Vmm.Sandbox;

/// <summary>
/// What zvmm asks of the kernel once its machine is built: two tables, of the whole process and, tighter, of the processors' threads, which the guest's every
/// exit runs on. Nothing here opens a file, makes a socket to anywhere, starts a program or makes memory executable.
/// </summary>
internal static class MonitorCalls
{
    private const ulong PROT_EXEC = 4, MAP_SHARED = 1, F_GETFL = 3, F_SETFL = 4, AF_UNIX = 1, SECCOMP_SET_MODE_FILTER = 1, PR_SET_NAME = 15, PR_SET_VMA = 0x53564d41;
    private const ulong CloneThread = 0x3d0f00, MADV_DONTNEED = 4, MADV_FREE = 8, MADV_HUGEPAGE = 14, MADV_DONTDUMP = 16, MADV_DODUMP = 17;

    // CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID and CHILD_CLEARTID: what pthread_create(3) says, and nothing else makes a thread here.
    private static readonly ArgumentRule s_onlyThreads = ArgumentRule.OneOf(0, CloneThread);

    /// <summary>The runtime's own needs on any thread: memory, locks, signals between threads, time.</summary>
    private static IEnumerable<SystemCallRule> Runtime(int processId) =>
    [
        new(SystemCall.futex, "locks and waits"),
        new(SystemCall.sched_yield, "the collector's spinning"),
        new(SystemCall.mmap, "heap and stacks; never executable, never shared", ArgumentRule.Without(2, PROT_EXEC), ArgumentRule.Without(3, MAP_SHARED)),
        new(SystemCall.mprotect, "the collector commits memory", ArgumentRule.Without(2, PROT_EXEC)),
        new(SystemCall.munmap, "heap and stacks"),
        new(SystemCall.mremap, "realloc(3)"),
        new(SystemCall.brk, "malloc(3)"),
        new(SystemCall.madvise, "memory given back, by the collector and by the balloon", ArgumentRule.OneOf(2, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_DONTDUMP, MADV_DODUMP)),
        new(SystemCall.membarrier, "the collector stops threads"),
        new(SystemCall.tgkill, "the collector stops threads, the kick of a processor; this process only", ArgumentRule.OneOf(0, (ulong)processId)),
        new(SystemCall.rt_sigprocmask, "threads begin and end, abort(3)"),
        new(SystemCall.rt_sigaction, "abort(3)"),
        new(SystemCall.rt_sigreturn, "the end of the signal with which threads are stopped"),
        new(SystemCall.sigaltstack, "threads begin and end"),
        new(SystemCall.clock_gettime, "where the vDSO cannot tell the time"),
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
        new(SystemCall.openat, "the collector looks for limits in /proc and /sys, which the empty root has not") { Answer = Errno.ENOENT },
        new(SystemCall.prlimit64, "the collector asks for limits; it sets none", ArgumentRule.Without(2, ulong.MaxValue)),
        new(SystemCall.sysinfo, "the collector asks how much memory is free"),
    ];

    /// <summary>The whole process: its event loop, and whatever the other tables allow.</summary>
    public static IReadOnlyList<SystemCallRule> Process(int processId) =>
    [
        .. Loop,
        .. Runtime(processId),
        new(SystemCall.ioctl, "processors' threads begin", ArgumentRule.OneOf(1, KvmAbi.SET_SIGNAL_MASK)),
        new(SystemCall.clone, "processors' threads begin", s_onlyThreads),
        new(SystemCall.clone3, "its flags are in memory, where a filter cannot see them; pthread_create(3) then uses clone") { Answer = Errno.ENOSYS },
        new(SystemCall.seccomp, "processors' threads take their own filter", ArgumentRule.OneOf(0, SECCOMP_SET_MODE_FILTER), ArgumentRule.OneOf(1, 0)),
        .. Exits,
    ];

    /// <summary>A processor's thread: it runs the guest, sets interrupt messages, and tells the event loop by events.</summary>
    public static IReadOnlyList<SystemCallRule> Processor(int processId) =>
    [
        .. Exits,
        new(SystemCall.write, "events, the report of a forbidden call"),
        new(SystemCall.read, "seeds of hash tables, where the runtime found a /dev/urandom; the jail has none"),
        .. Runtime(processId),
    ];

    private static IEnumerable<SystemCallRule> Exits =>
    [
        new(SystemCall.ioctl, "the guest runs; its interrupt messages; where it was when it ended", ArgumentRule.OneOf(1, KvmAbi.RUN, KvmAbi.SET_GSI_ROUTING, KvmAbi.GET_REGS)),
        new(SystemCall.rt_sigtimedwait, "a kick is taken"),
    ];

    private static IEnumerable<SystemCallRule> Loop =>
    [
        new(SystemCall.epoll_wait, "the event loop"),
        new(SystemCall.epoll_pwait, "the event loop"),
        new(SystemCall.epoll_ctl, "connections come and go"),
        new(SystemCall.read, "events, the tap"),
        new(SystemCall.write, "events, serial output"),
        new(SystemCall.readv, "vsock to the guest"),
        new(SystemCall.writev, "frames to the tap"),
        new(SystemCall.io_uring_enter, "disks; the rings were restricted when they were made, and no others can be"),
        new(SystemCall.preadv, "disks without a ring"),
        new(SystemCall.pwritev, "disks without a ring"),
        new(SystemCall.fdatasync, "disks without a ring"),
        new(SystemCall.fallocate, "disks without a ring"),
        new(SystemCall.getrandom, "the guest's entropy"),
        new(SystemCall.recvmsg, "the node's control socket, chunk sockets"),
        new(SystemCall.sendmsg, "the node's control socket, chunk sockets"),
        new(SystemCall.sendto, "vsock to the node"),
        new(SystemCall.shutdown, "vsock: the guest sends no more"),
        new(SystemCall.socketpair, "vsock: a new connection", ArgumentRule.OneOf(0, AF_UNIX)),
        new(SystemCall.fcntl, "a new connection does not wait", ArgumentRule.OneOf(1, F_GETFL, F_SETFL)),
        new(SystemCall.close, "connections end"),
        new(SystemCall.poll, "whether serial output would wait"),
        new(SystemCall.ioctl, "the driver chose a card's offloads", ArgumentRule.OneOf(1, NetDevice.TUNSETOFFLOAD)),
    ];
}
