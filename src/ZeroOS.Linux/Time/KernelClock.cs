namespace ZeroOS.Linux;

/// <summary>The kernel's clocks (clock_gettime(2)), in nanoseconds.</summary>
public static unsafe class KernelClock
{
    private const int CLOCK_REALTIME = 0, CLOCK_BOOTTIME = 7;

    /// <summary>Since the kernel started, suspended time included.</summary>
    public static long BootTimeNs => Read(CLOCK_BOOTTIME);

    /// <summary>Wall clock since 1970 UTC.</summary>
    public static long UnixTimeNs => Read(CLOCK_REALTIME);

    /// <summary>Steps the wall clock.</summary>
    /// <exception cref="LinuxException">What clock_settime(2) refused.</exception>
    public static void SetUnixTime(long nanoseconds)
    {
        timespec time = new() { tv_sec = nanoseconds / 1_000_000_000, tv_nsec = (long_t)(nanoseconds % 1_000_000_000) };
        if (Libc.clock_settime(CLOCK_REALTIME, &time) != 0)
            throw new LinuxException(Libc.LastError, "clock_settime", "realtime");
    }

    private static long Read(int clock)
    {
        timespec time;
        _ = Libc.clock_gettime(clock, &time);
        return ((long)time.tv_sec * 1_000_000_000) + time.tv_nsec;
    }
}
