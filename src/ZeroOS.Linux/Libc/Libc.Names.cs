using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

// Ours: Tmds.LibC 0.5.0 has neither renameat(2) nor linkat(2).
internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int renameat(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int linkat(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, int flags);
}
