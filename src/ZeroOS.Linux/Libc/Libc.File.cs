using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

// Ours: Tmds.LibC 0.5.0 has no flock(2), and its ioctl takes the request as a signed int: a seccomp filter, which compares
// all 64 bits, would see it with its sign extended.
internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int ioctl(int fd, nuint request, nint argument);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int flock(int fd, int operation);
}
