using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int pipe2(int* ends, int flags);
}
