using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>struct epoll_event: packed on x86-64 (epoll_ctl(2)).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct epoll_event
{
    internal uint events;
    internal ulong data;
}

[StructLayout(LayoutKind.Sequential)]
internal struct timespec
{
    internal long tv_sec;
    internal long tv_nsec;
}

[StructLayout(LayoutKind.Sequential)]
internal struct itimerspec
{
    internal timespec it_interval;
    internal timespec it_value;
}

[StructLayout(LayoutKind.Sequential)]
internal struct pollfd
{
    internal int fd;
    internal short events;
    internal short revents;
}

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int epoll_create1(int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int epoll_ctl(int epfd, int operation, int fd, epoll_event* e);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int epoll_wait(int epfd, epoll_event* events, int maxEvents, int timeoutMs);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int eventfd(uint initial, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int timerfd_create(int clock, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int timerfd_settime(int fd, int flags, itimerspec* value, itimerspec* old);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int poll(pollfd* fds, nuint count, int timeoutMs);
}
