using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>struct timex on x86-64 (adjtimex(2)).</summary>
[StructLayout(LayoutKind.Sequential, Size = 208)]
internal struct timex
{
    internal uint modes;
    internal long offset;
    internal long freq;
    internal long maxerror;
    internal long esterror;
    internal int status;
}

// Ours: Tmds.LibC 0.5.0 has no clocks.
internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int adjtimex(timex* change);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int clock_gettime(int clock, timespec* time);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int clock_settime(int clock, timespec* time);
}
