using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

internal static unsafe partial class Libc
{
    [LibraryImport(C)]
    internal static partial int pthread_sigmask(int how, ulong* set, ulong* old);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int sigtimedwait(ulong* set, void* info, timespec* timeout);
}
