namespace ZeroOS.Linux;

/// <summary>
/// A signal that only interrupts one blocking call. It stays blocked in the threads that take it and is opened only by the call itself (KVM_SET_SIGNAL_MASK),
/// so it has no handler, cannot be lost and never runs managed code. Not SIGRTMIN: the runtime suspends threads with that one.
/// </summary>
public static unsafe class KickSignal
{
    private const int Number = 35, SYS_gettid = 186, SYS_tgkill = 234;
    private const ulong Bit = 1UL << (Number - 1);

    /// <summary>
    /// Blocks the signal in this thread and returns the kernel's 64-bit mask to be in force during the interruptible call (all that is blocked now, but this
    /// one).
    /// </summary>
    public static ulong BlockInThisThread()
    {
        sigset_t set = JustThis(), old;
        _ = Libc.pthread_sigmask(SIG_BLOCK, &set, &old);
        // SAFETY: glibc's sigset_t has 1,024 bits; the kernel's 64 are the first of them.
        return *(ulong*)&old & ~Bit;
    }

    /// <summary>The kernel's number of this thread, to be given to <see cref="Send"/>.</summary>
    public static int ThisThread => (int)syscall(SYS_gettid);

    /// <summary>Makes the thread's interruptible call, the present or the next one, return EINTR.</summary>
    public static void Send(int thread) => _ = syscall(SYS_tgkill, (int)getpid(), thread, Number);

    /// <summary>Takes what is pending for this thread, so that the next call is not interrupted by an old kick.</summary>
    public static void Drain()
    {
        sigset_t set = JustThis();
        timespec now = default;
        while (sigtimedwait(&set, null, &now) > 0)
        {
        }
    }

    private static sigset_t JustThis()
    {
        sigset_t set = default;
        _ = sigaddset(&set, Number);
        return set;
    }
}
