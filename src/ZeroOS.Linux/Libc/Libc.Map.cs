using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial void* mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int munmap(void* address, nuint length);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int madvise(void* address, nuint length, int advice);
}
