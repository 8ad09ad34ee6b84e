using ZeroOS.Linux;
using ZeroOS.Linux.Security;

namespace ZeroOS.Images.Fetch;

/// <summary>
/// What the two fetch roles ask of the kernel: the one that speaks with registries, and the one that decompresses. Neither listens, starts a program, writes a
/// file or makes memory executable.
/// </summary>
internal static class FetchCalls
{
    private const ulong O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_TRUNC = 0x200, AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16;
    private const ulong F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_DUPFD_CLOEXEC = 1030, FIONREAD = 0x541B, FIONBIO = 0x5421;

    /// <summary>Role fetch: names, connections to outside, TLS, and the files of its root (/etc), read only.</summary>
    public static IReadOnlyList<SystemCallRule> Registry(int processId) =>
    [
        .. Link,
        new(SystemCall.epoll_wait, "connections"),
        new(SystemCall.epoll_pwait, "connections"),
        new(SystemCall.epoll_ctl, "connections"),
        new(SystemCall.epoll_create1, "the socket engine begins"),
        new(SystemCall.recvfrom, "answers of registries and name servers"),
        new(SystemCall.sendto, "requests, questions to name servers"),
        new(SystemCall.sendmmsg, "questions to name servers"),
        new(SystemCall.readv, "answers of name servers over TCP"),
        new(SystemCall.writev, "questions to name servers over TCP"),
        new(SystemCall.socket, "connections to registries and name servers", ArgumentRule.OneOf(0, AF_INET, AF_INET6)),
        new(SystemCall.socket, "which addresses the node has, for the order in which a registry's are tried", ArgumentRule.OneOf(0, AF_NETLINK),
            ArgumentRule.OneOf(2, 0)),
        new(SystemCall.socket, "a name service daemon, which there is none of", ArgumentRule.OneOf(0, AF_UNIX)) { Answer = Errno.EACCES },
        new(SystemCall.connect, "registries, name servers"),
        new(SystemCall.bind, "the netlink socket"),
        new(SystemCall.getsockname, "connections"),
        new(SystemCall.getpeername, "connections"),
        new(SystemCall.getsockopt, "what became of a connection"),
        new(SystemCall.setsockopt, "connections are kept alive"),
        new(SystemCall.ioctl, "connections do not wait", ArgumentRule.OneOf(1, FIONREAD, FIONBIO)),
        new(SystemCall.openat, "name service, CA files, time zone", ArgumentRule.Without(2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)),
        new(SystemCall.openat, "nothing is written") { Answer = Errno.EROFS },
        new(SystemCall.pread64, "files"),
        new(SystemCall.lseek, "files"),
        new(SystemCall.fstat, "files"),
        new(SystemCall.stat, "files"),
        new(SystemCall.lstat, "files"),
        new(SystemCall.newfstatat, "files"),
        new(SystemCall.statx, "files"),
        new(SystemCall.access, "files"),
        new(SystemCall.faccessat, "files"),
        new(SystemCall.faccessat2, "files"),
        new(SystemCall.readlink, "files"),
        new(SystemCall.readlinkat, "files"),
        new(SystemCall.getdents64, "CA files"),
        new(SystemCall.fadvise64, "files are read from start to end"),
        new(SystemCall.flock, "files are read while nobody writes"),
        new(SystemCall.fstatfs, "whether a file can be locked"),
        new(SystemCall.getcwd, "names of files"),
        new(SystemCall.uname, "name service"),
        new(SystemCall.geteuid, "whether the environment is to be believed"),
        new(SystemCall.getuid, "whether the environment is to be believed"),
        new(SystemCall.getegid, "whether the environment is to be believed"),
        new(SystemCall.getgid, "whether the environment is to be believed"),
        .. Runtime(processId),
    ];

    /// <summary>Role fetch with --convert: the link, and memory.</summary>
    public static IReadOnlyList<SystemCallRule> Convert(int processId) => [.. Link, .. Runtime(processId), .. RuntimeCalls.NoFiles];

    private static IEnumerable<SystemCallRule> Link =>
    [
        new(SystemCall.recvmsg, "what the node asks"),
        new(SystemCall.sendmsg, "answers"),
        new(SystemCall.shutdown, "connections end"),
        new(SystemCall.poll, "whether a socket would wait"),
        new(SystemCall.fcntl, "sockets do not wait, and no program inherits them", ArgumentRule.OneOf(1, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC)),
    ];

    private static IEnumerable<SystemCallRule> Runtime(int processId) => [.. RuntimeCalls.Pool, .. RuntimeCalls.Of(processId), .. RuntimeCalls.Threads];
}
