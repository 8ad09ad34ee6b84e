using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

// Ours: Tmds.LibC 0.5.0 has no extended attributes, and its mknod needs __xmknod, which a static glibc has not had since 2.33.
internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int mknod(byte* path, uint mode, ulong device);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint llistxattr(byte* path, byte* list, nuint size);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint lgetxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int lsetxattr(byte* path, byte* name, byte* value, nuint size, int flags);
}
