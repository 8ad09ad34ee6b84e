using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>
/// The members of siginfo_t that waitid(2) fills, at their places on x86-64. Ours: Tmds.LibC 0.5.0 has si_code and si_errno the
/// wrong way round, and the times at the wrong places.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct siginfo_t
{
    [FieldOffset(0)] internal int si_signo;
    [FieldOffset(8)] internal int si_code;
    [FieldOffset(16)] internal int si_pid;
    [FieldOffset(20)] internal uint si_uid;
    [FieldOffset(24)] internal int si_status;
}

/// <summary>posix_spawnattr_t, opaque.</summary>
[StructLayout(LayoutKind.Sequential, Size = 336)]
internal struct posix_spawnattr_t
{
    internal ulong opaque;
}

/// <summary>posix_spawn_file_actions_t, opaque.</summary>
[StructLayout(LayoutKind.Sequential, Size = 80)]
internal struct posix_spawn_file_actions_t
{
    internal ulong opaque;
}

/// <summary>struct rlimit64.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct rlimit64
{
    internal ulong rlim_cur;
    internal ulong rlim_max;
}

// Ours: Tmds.LibC 0.5.0 has no posix_spawn(3), signalfd(2), waitid(2), execveat(2), prctl(2), prlimit(2), close_range(2) or pthread_sigmask(3).
internal static unsafe partial class Libc
{
    [LibraryImport(C)]
    internal static partial int posix_spawn(int* pid, byte* path, posix_spawn_file_actions_t* actions, posix_spawnattr_t* attributes, byte** argv, byte** envp);

    [LibraryImport(C)]
    internal static partial int posix_spawn_file_actions_init(posix_spawn_file_actions_t* actions);

    [LibraryImport(C)]
    internal static partial int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t* actions);

    [LibraryImport(C)]
    internal static partial int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t* actions, int from, int to);

    [LibraryImport(C)]
    internal static partial int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t* actions, int target, byte* path, int flags, uint mode);

    [LibraryImport(C)]
    internal static partial int posix_spawnattr_init(posix_spawnattr_t* attributes);

    [LibraryImport(C)]
    internal static partial int posix_spawnattr_destroy(posix_spawnattr_t* attributes);

    [LibraryImport(C)]
    internal static partial int posix_spawnattr_setflags(posix_spawnattr_t* attributes, short flags);

    [LibraryImport(C)]
    internal static partial int posix_spawnattr_setsigmask(posix_spawnattr_t* attributes, sigset_t* mask);

    [LibraryImport(C)]
    internal static partial int posix_spawnattr_setsigdefault(posix_spawnattr_t* attributes, sigset_t* signals);

    [LibraryImport(C)]
    internal static partial int pthread_sigmask(int how, sigset_t* set, sigset_t* old);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int signalfd(int fd, sigset_t* mask, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int waitid(int idType, uint id, siginfo_t* info, int options);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int execveat(int directory, byte* path, byte** argv, byte** envp, int flags);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int prctl(int option, nuint a2, nuint a3, nuint a4, nuint a5);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int prlimit64(int pid, int resource, rlimit64* limit, rlimit64* old);

    [LibraryImport(C, SetLastError = true)]
    internal static partial int close_range(uint first, uint last, int flags);
}
