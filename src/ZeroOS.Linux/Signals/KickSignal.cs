namespace ZeroOS.Linux;

/// <summary>
/// A signal that only interrupts one blocking call. It stays blocked in the threads that take it and is opened only by the call itself (KVM_SET_SIGNAL_MASK),
/// so it has no handler, cannot be lost and never runs managed code. Not SIGRTMIN: the runtime suspends threads with that one.
/// </summary>
public static unsafe class KickSignal
{
    private const int SIG_BLOCK = 0, Number = 35;
    private const nint SYS_gettid = 186, SYS_tgkill = 234, SYS_getpid = 39;
    private const ulong Bit = 1UL << (Number - 1);

    // glibc's sigset_t has 1024 bits, the kernel's 64.
    private const int SigsetWords = 16;

    /// <summary>Blocks the signal in this thread and returns the kernel's 64-bit mask to be in force during the interruptible call (all that is blocked now, but this one).</summary>
    public static ulong BlockInThisThread()
    {
        ulong* set = stackalloc ulong[SigsetWords];
        ulong* old = stackalloc ulong[SigsetWords];
        new Span<ulong>(set, SigsetWords).Clear();
        set[0] = Bit;
        _ = Libc.pthread_sigmask(SIG_BLOCK, set, old);
        return old[0] & ~Bit;
    }

    /// <summary>The kernel's number of this thread, to be given to <see cref="Send"/>.</summary>
    public static int ThisThread => (int)Libc.syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);

    /// <summary>Makes the thread's interruptible call, the present or the next one, return EINTR.</summary>
    public static void Send(int thread) => _ = Libc.syscall(SYS_tgkill, Libc.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), thread, Number, 0, 0, 0);

    /// <summary>Takes what is pending for this thread, so that the next call is not interrupted by an old kick.</summary>
    public static void Drain()
    {
        ulong* set = stackalloc ulong[SigsetWords];
        new Span<ulong>(set, SigsetWords).Clear();
        set[0] = Bit;
        timespec now = default;
        while (Libc.sigtimedwait(set, null, &now) > 0)
        {
        }
    }
}
