namespace ZeroOS.Linux.Security;

/// <summary>System calls that some filter names, by their numbers on x86-64 (asm/unistd_64.h; the C compiler is asked by a test).</summary>
public enum SystemCall
{
    read = 0, write = 1, close = 3, stat = 4, fstat = 5, lstat = 6, poll = 7, lseek = 8, mmap = 9, mprotect = 10, munmap = 11, brk = 12,
    rt_sigaction = 13, rt_sigprocmask = 14, rt_sigreturn = 15, ioctl = 16, pread64 = 17, pwrite64 = 18, readv = 19, writev = 20, access = 21,
    sched_yield = 24, mremap = 25, madvise = 28, nanosleep = 35, getpid = 39, socket = 41, connect = 42, accept = 43, sendto = 44, recvfrom = 45,
    sendmsg = 46, recvmsg = 47, shutdown = 48, bind = 49, listen = 50, getsockname = 51, getpeername = 52, socketpair = 53, setsockopt = 54,
    getsockopt = 55, clone = 56, fork = 57, execve = 59, exit = 60, uname = 63, fcntl = 72, flock = 73, fdatasync = 75, getcwd = 79, readlink = 89,
    gettimeofday = 96, getrusage = 98, sysinfo = 99, ptrace = 101, getuid = 102, getgid = 104, geteuid = 107, getegid = 108, rt_sigtimedwait = 128,
    sigaltstack = 131, fstatfs = 138, prctl = 157, gettid = 186, time = 201, futex = 202, sched_getaffinity = 204, getdents64 = 217,
    restart_syscall = 219, fadvise64 = 221, clock_gettime = 228, clock_getres = 229, clock_nanosleep = 230, exit_group = 231, epoll_wait = 232,
    epoll_ctl = 233, tgkill = 234, openat = 257, newfstatat = 262, readlinkat = 267, faccessat = 269, set_robust_list = 273, epoll_pwait = 281,
    fallocate = 285, accept4 = 288, eventfd2 = 290, epoll_create1 = 291, pipe2 = 293, preadv = 295, pwritev = 296, prlimit64 = 302, sendmmsg = 307,
    getcpu = 309, seccomp = 317, getrandom = 318, memfd_create = 319, execveat = 322, membarrier = 324, statx = 332, rseq = 334, io_uring_setup = 425,
    io_uring_enter = 426, io_uring_register = 427, clone3 = 435, faccessat2 = 439,
}
