using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int mount(byte* source, byte* target, byte* type, nuint flags, void* data);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int umount2(byte* target, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int chroot(byte* path);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int chdir(byte* path);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int sethostname(byte* name, nuint length);

    [LibraryImport(C)]
    internal static partial void sync();

    [LibraryImport(C, SetLastError = true)]
    internal static partial int reboot(int command);
}
