using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int openat(int directory, byte* path, int flags, uint mode);
}
