using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>
/// Bends the wall clock without a jump, and tells the kernel that it is right (adjtimex(2)); the kernel then keeps the hardware clock right too.
/// </summary>
public static unsafe class ClockDiscipline
{
    private const uint ADJ_MAXERROR = 4, ADJ_ESTERROR = 8, ADJ_STATUS = 0x10, ADJ_OFFSET_SINGLESHOT = 0x8001;
    private const int STA_UNSYNC = 0x40;

    /// <summary>Somebody said since the kernel started that the clock is right.</summary>
    public static bool IsSynchronized
    {
        get
        {
            timex state = default;
            return Libc.adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
        }
    }

    /// <summary>Moves the clock by so much, at most 500 µs a second. Replaces an earlier move that is not over.</summary>
    /// <exception cref="LinuxException">What adjtimex(2) refused.</exception>
    public static void Slew(TimeSpan offset) => Adjust(new timex { modes = ADJ_OFFSET_SINGLESHOT, offset = (long)offset.TotalMicroseconds });

    /// <summary>The clock is right to within <paramref name="error"/>.</summary>
    /// <exception cref="LinuxException">What adjtimex(2) refused.</exception>
    public static void MarkSynchronized(TimeSpan error)
    {
        long microseconds = (long)error.TotalMicroseconds;
        Adjust(new timex { modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR, maxerror = microseconds, esterror = microseconds });
    }

    private static void Adjust(timex change)
    {
        if (Libc.adjtimex(&change) < 0)
            throw new LinuxException(Libc.LastError, "adjtimex", "realtime");
    }
}
