using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int clock_gettime(int clock, timespec* time);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int clock_settime(int clock, timespec* time);
}
