using ZeroOS.Linux;
using ZeroOS.Linux.Security;

namespace ZeroOS.Node.Doors;

/// <summary>
/// What role door asks of the kernel once it has its link and its listening socket: it takes connections, reads, writes and closes them. It opens no file,
/// makes no socket, connects to nowhere, binds nothing, starts no program.
/// </summary>
internal static class DoorCalls
{
    private const ulong F_GETFD = 1, F_GETFL = 3, F_SETFL = 4, F_ADD_SEALS = 1033, F_GET_SEALS = 1034, FIONREAD = 0x541B, FIONBIO = 0x5421;

    /// <summary>The table.</summary>
    public static IReadOnlyList<SystemCallRule> Process(int processId) =>
    [
        new(SystemCall.epoll_wait, "connections"),
        new(SystemCall.epoll_pwait, "connections"),
        new(SystemCall.recvmsg, "requests, the link"),
        new(SystemCall.sendmsg, "answers, the link"),
        new(SystemCall.recvfrom, "requests"),
        new(SystemCall.sendto, "answers"),
        new(SystemCall.accept4, "connections"),
        new(SystemCall.accept, "connections"),
        new(SystemCall.epoll_ctl, "connections"),
        new(SystemCall.epoll_create1, "the socket engine begins"),
        new(SystemCall.shutdown, "connections end"),
        new(SystemCall.connect,
            "to nowhere: a socket that is closed under a pending call is disconnected this way, or else shut down") { Answer = Errno.EACCES },
        new(SystemCall.getsockname, "connections"),
        new(SystemCall.getpeername, "where a connection comes from"),
        new(SystemCall.getsockopt, "what the listening socket is, what became of a connection"),
        new(SystemCall.setsockopt, "answers leave at once, and clients that are gone are found out"),
        new(SystemCall.listen, "the socket that PID 1 opened; it listens already"),
        new(SystemCall.fcntl, "connections do not wait and end while something of theirs is under way; envelopes are sealed",
            ArgumentRule.OneOf(1, F_GETFD, F_GETFL, F_SETFL, F_ADD_SEALS, F_GET_SEALS)),
        new(SystemCall.ioctl, "connections do not wait", ArgumentRule.OneOf(1, FIONREAD, FIONBIO)),
        new(SystemCall.poll, "whether a connection would wait"),
        new(SystemCall.memfd_create, "an envelope that does not fit a message"),
        new(SystemCall.pwrite64, "an envelope that does not fit a message"),
        new(SystemCall.pread64, "an answer that does not fit a message"),
        new(SystemCall.fstat, "an answer that does not fit a message"),
        new(SystemCall.newfstatat, "the same by its newer name"),
        .. RuntimeCalls.Pool,
        .. RuntimeCalls.Of(processId),
        .. RuntimeCalls.Threads,
        .. RuntimeCalls.NoFiles,
    ];
}
