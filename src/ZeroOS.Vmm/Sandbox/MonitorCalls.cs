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
    private const ulong F_GETFL = 3, F_SETFL = 4, AF_UNIX = 1, SECCOMP_SET_MODE_FILTER = 1;

    /// <summary>The whole process: its event loop, and whatever the other tables allow.</summary>
    public static IReadOnlyList<SystemCallRule> Process(int processId) =>
    [
        .. Loop,
        .. RuntimeCalls.Of(processId),
        .. RuntimeCalls.NoFiles,
        .. RuntimeCalls.Threads,
        new(SystemCall.ioctl, "processors' threads begin", ArgumentRule.OneOf(1, KvmAbi.SET_SIGNAL_MASK)),
        new(SystemCall.seccomp, "processors' threads take their own filter", ArgumentRule.OneOf(0, SECCOMP_SET_MODE_FILTER), ArgumentRule.OneOf(1, 0)),
        .. Exits,
    ];

    /// <summary>A processor's thread: it runs the guest, sets interrupt messages, and tells the event loop by events.</summary>
    public static IReadOnlyList<SystemCallRule> Processor(int processId) =>
    [
        .. Exits,
        new(SystemCall.write, "events, the report of a forbidden call"),
        new(SystemCall.read, "seeds of hash tables, where the runtime found a /dev/urandom; the jail has none"),
        .. RuntimeCalls.Of(processId),
        .. RuntimeCalls.NoFiles,
    ];

    private static IEnumerable<SystemCallRule> Exits =>
    [
        new(SystemCall.ioctl, "the guest runs; its interrupt messages; where it was when it ended",
            ArgumentRule.OneOf(1, KvmAbi.RUN, KvmAbi.SET_GSI_ROUTING, KvmAbi.GET_REGS)),
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
