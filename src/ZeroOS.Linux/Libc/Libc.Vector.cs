using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

// Ours: Tmds.LibC 0.5.0 has struct iovec and no readv(2) or its kin.
internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial nint readv(int fd, iovec* parts, int count);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint writev(int fd, iovec* parts, int count);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint preadv(int fd, iovec* parts, int count, long offset);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint pwritev(int fd, iovec* parts, int count, long offset);
}
