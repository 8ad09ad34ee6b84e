using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>
/// What the C library has and Tmds.LibC has not, as the manual says it, one file per topic; each says what is missing.
/// A bare C name in this project (open, O_CLOEXEC, stat) is Tmds.LibC's.
/// These are the only P/Invokes of libc in the tree. Blittable, no marshalling, EINTR is the caller's.
/// </summary>
internal static unsafe partial class Libc
{
    private const string C = "libc";

    /// <summary>errno of the last call on this thread that keeps it: Tmds.LibC's calls and ours with SetLastError.</summary>
    internal static Errno LastError => (Errno)Marshal.GetLastPInvokeError();
}
