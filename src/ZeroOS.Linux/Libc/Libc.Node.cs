using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>struct stat on x86-64 (stat(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct stat
{
    internal ulong st_dev;
    internal ulong st_ino;
    internal ulong st_nlink;
    internal uint st_mode;
    internal uint st_uid;
    internal uint st_gid;
    internal uint pad0;
    internal ulong st_rdev;
    internal long st_size;
    internal long st_blksize;
    internal long st_blocks;
    internal timespec st_atim;
    internal timespec st_mtim;
    internal timespec st_ctim;
    internal fixed long reserved[3];
}

/// <summary>struct open_how (openat2(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct open_how
{
    internal ulong flags;
    internal ulong mode;
    internal ulong resolve;
}

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int fstatat(int directory, byte* path, stat* status, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int mkdirat(int directory, byte* path, uint mode);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int mknod(byte* path, uint mode, ulong device);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int link(byte* from, byte* to);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int symlink(byte* target, byte* path);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint readlinkat(int directory, byte* path, byte* buffer, nuint size);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int lchown(byte* path, uint uid, uint gid);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int chmod(byte* path, uint mode);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int utimensat(int directory, byte* path, timespec* times, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint llistxattr(byte* path, byte* list, nuint size);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint lgetxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int lsetxattr(byte* path, byte* name, byte* value, nuint size, int flags);
}
