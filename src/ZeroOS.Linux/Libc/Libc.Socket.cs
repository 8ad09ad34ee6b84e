using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct iovec
{
    internal void* iov_base;
    internal nuint iov_len;
}

/// <summary>struct msghdr of glibc on x86-64 (recvmsg(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct msghdr
{
    internal void* msg_name;
    internal uint msg_namelen;
    internal iovec* msg_iov;
    internal nuint msg_iovlen;
    internal void* msg_control;
    internal nuint msg_controllen;
    internal int msg_flags;
}

/// <summary>struct cmsghdr: the header of one ancillary message (cmsg(3)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct cmsghdr
{
    internal nuint cmsg_len;
    internal int cmsg_level;
    internal int cmsg_type;
}

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int bind(int fd, void* address, uint length);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int connect(int fd, void* address, uint length);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int listen(int fd, int backlog);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int accept4(int fd, void* address, uint* length, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int setsockopt(int fd, int level, int option, void* value, uint length);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int getsockopt(int fd, int level, int option, void* value, uint* length);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int shutdown(int fd, int how);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint sendmsg(int fd, msghdr* message, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint recvmsg(int fd, msghdr* message, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint sendto(int fd, void* buffer, nuint length, int flags, void* address, uint addressLength);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint recvfrom(int fd, void* buffer, nuint length, int flags, void* address, uint* addressLength);
}
