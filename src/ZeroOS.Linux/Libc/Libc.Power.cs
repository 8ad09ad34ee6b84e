using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

// Ours: Tmds.LibC 0.5.0 has no reboot(2) and no getrandom(2).
internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int reboot(int command);

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint getrandom(void* buffer, nuint length, uint flags);
}
