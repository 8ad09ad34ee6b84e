using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

// Ours: neither glibc nor Tmds.LibC has seccomp(2), and a handler's page is made and a signal's handler set by the raw calls.
internal static unsafe partial class Libc
{
    [LibraryImport(C, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint system_call(nint number, nint a1, nint a2, nint a3, nint a4, nint a5, nint a6);
}
