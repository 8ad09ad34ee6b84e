using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>The C library as the manual says it, one file per topic; the only P/Invoke of libc in the tree. Blittable, no marshalling, EINTR is the caller's.</summary>
internal static unsafe partial class Libc
{
    private const string C = "libc";

    /// <summary>errno of the last call on this thread that was declared with SetLastError.</summary>
    internal static Errno LastError => (Errno)Marshal.GetLastPInvokeError();

    [LibraryImport(C, SetLastError = true)]
    internal static partial nint syscall(nint number, nint a1, nint a2, nint a3, nint a4, nint a5, nint a6);
}
