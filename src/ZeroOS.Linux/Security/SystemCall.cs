namespace ZeroOS.Linux.Security;

/// <summary>System calls that some filter names, by their numbers on x86-64 (asm/unistd_64.h; the C compiler is asked by a test).</summary>
public enum SystemCall
{
    read = 0, write = 1, close = 3, poll = 7, lseek = 8, mmap = 9, mprotect = 10, munmap = 11, brk = 12, rt_sigaction = 13, rt_sigprocmask = 14,
    rt_sigreturn = 15, ioctl = 16, pread64 = 17, pwrite64 = 18, readv = 19, writev = 20, sched_yield = 24, mremap = 25, madvise = 28, nanosleep = 35,
    getpid = 39, socket = 41, sendto = 44, recvfrom = 45, sendmsg = 46, recvmsg = 47, shutdown = 48, socketpair = 53, clone = 56, fork = 57,
    execve = 59, exit = 60, fcntl = 72, fdatasync = 75, sigaltstack = 131, prctl = 157, gettid = 186, futex = 202, sched_getaffinity = 204,
    restart_syscall = 219, clock_gettime = 228, clock_nanosleep = 230, exit_group = 231, epoll_wait = 232, epoll_ctl = 233, tgkill = 234, openat = 257,
    set_robust_list = 273, epoll_pwait = 281, fallocate = 285, preadv = 295, pwritev = 296, prlimit64 = 302, getcpu = 309, seccomp = 317, getrandom = 318, membarrier = 324,
    sysinfo = 99, rseq = 334, rt_sigtimedwait = 128, io_uring_setup = 425, io_uring_enter = 426, io_uring_register = 427, clone3 = 435, ptrace = 101,
}
