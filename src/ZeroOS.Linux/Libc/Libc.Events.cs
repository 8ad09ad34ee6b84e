using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

// Ours: poll(2) of Tmds.LibC 0.5.0 does not keep errno, and a call that a signal interrupted cannot be told from one that failed.
internal static unsafe partial class Libc
{
    [LibraryImport(C, SetLastError = true)]
    internal static partial int poll(pollfd* descriptors, ulong count, int timeoutMs);
}
