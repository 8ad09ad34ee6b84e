using System.Runtime.CompilerServices;

using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux.Abi;

/// <summary>The C compiler as the judge of structures and constants of processes, signals, mounts and capabilities.</summary>
[Trait("tier", "kernel")]
public sealed class ProcessAbiTests
{
    [SkippableFact]
    public void Structures_and_constants_are_those_of_the_c_headers()
    {
        (string Expression, long Value)[] facts =
        [
            ("sizeof(posix_spawnattr_t)", Unsafe.SizeOf<posix_spawnattr_t>()),
            ("sizeof(posix_spawn_file_actions_t)", Unsafe.SizeOf<posix_spawn_file_actions_t>()),
            ("sizeof(struct rlimit)", Unsafe.SizeOf<rlimit64>()),
            ("RLIMIT_CORE", (long)Resource.Core),
            ("RLIMIT_NOFILE", (long)Resource.OpenFiles),
            ("RLIMIT_MEMLOCK", (long)Resource.LockedMemory),
            ("CLONE_NEWNS", (long)Namespaces.Mounts),
            ("CLONE_NEWCGROUP", (long)Namespaces.Cgroup),
            ("CLONE_NEWUTS", (long)Namespaces.Names),
            ("CLONE_NEWIPC", (long)Namespaces.Ipc),
            ("CLONE_NEWNET", (long)Namespaces.Network),
            ("MS_RDONLY", (long)MountFlags.ReadOnly),
            ("MS_NOSUID", (long)MountFlags.NoSuid),
            ("MS_NODEV", (long)MountFlags.NoDev),
            ("MS_NOEXEC", (long)MountFlags.NoExec),
            ("MS_REMOUNT", (long)MountFlags.Remount),
            ("MS_BIND", (long)MountFlags.Bind),
            ("MS_MOVE", (long)MountFlags.Move),
            ("MS_REC", (long)MountFlags.Recursive),
            ("MS_PRIVATE", (long)MountFlags.Private),
            ("CAP_NET_BIND_SERVICE", (long)Capability.NetBindService),
            ("CAP_NET_ADMIN", (long)Capability.NetAdmin),
            ("CAP_NET_RAW", (long)Capability.NetRaw),
            ("CAP_SYS_ADMIN", (long)Capability.SysAdmin),
            ("CAP_SYS_TIME", (long)Capability.SysTime),
            ("SIGINT", SignalFd.SIGINT),
            ("SIGKILL", SignalFd.SIGKILL),
            ("SIGTERM", SignalFd.SIGTERM),
            ("SIGPWR", SignalFd.SIGPWR),
            ("POSIX_SPAWN_SETSID", 0x80),
            ("WNOWAIT", 0x01000000),
            ("PR_SET_DUMPABLE", 4),
            ("SYS_pivot_root", 155),
            ("SYS_setgroups", 116),
            ("SYS_setresuid", 117),
            ("SYS_setresgid", 119),
            ("SYS_capset", 126),
            ("RB_AUTOBOOT", 0x1234567),
            ("RB_POWER_OFF", 0x4321fedc),
            ("WDIOC_SETTIMEOUT", 0xC0045706),
            ("WDIOC_GETBOOTSTATUS", 0x80045702),
            ("SIOCSIFFLAGS", 0x8914),
            ("sizeof(struct ifreq)", 40),
            ("sizeof(struct termios)", Unsafe.SizeOf<termios>()),
            ("offsetof(struct termios, c_cflag)", Offset((ref termios s) => ref s.c_cflag)),
            ("sizeof(struct kbentry)", Unsafe.SizeOf<kbentry>()),
            ("offsetof(struct kbentry, kb_value)", Offset((ref kbentry s) => ref s.kb_value)),
            ("TIOCLINUX", (long)VirtualTerminal.TIOCLINUX),
            ("TIOCL_SETKMSGREDIRECT", VirtualTerminal.TIOCL_SETKMSGREDIRECT),
            ("VT_ACTIVATE", (long)VirtualTerminal.VT_ACTIVATE),
            ("KDSKBENT", (long)ConsoleKeyboard.KDSKBENT),
            ("K_HOLE", (long)KeyAction.Nothing),
            ("K(KT_SPEC, 12)", (long)KeyAction.Restart),
            ("K(KT_CONS, 0)", (long)KeyAction.ShowTerminal1),
            ("K(KT_CONS, 1)", (long)KeyAction.ShowTerminal2),
            ("K_CTRL", (long)KeyAction.HoldCtrl),
            ("K_ALT", (long)KeyAction.HoldAlt),
            ("1 << KG_CTRL", (long)HeldKeys.Ctrl),
            ("1 << KG_ALT", (long)HeldKeys.Alt),
            ("KEY_LEFTCTRL", (long)KeyCode.LeftCtrl),
            ("KEY_RIGHTCTRL", (long)KeyCode.RightCtrl),
            ("KEY_LEFTALT", (long)KeyCode.LeftAlt),
            ("KEY_RIGHTALT", (long)KeyCode.RightAlt),
            ("KEY_F1", (long)KeyCode.F1),
            ("KEY_F2", (long)KeyCode.F2),
            ("KEY_KPDOT", (long)KeyCode.KeypadDot),
            ("KEY_DELETE", (long)KeyCode.Delete),
        ];
        CCompiler.Hold(
            ["signal.h", "spawn.h", "sched.h", "sys/wait.h", "sys/prctl.h", "sys/resource.h", "sys/mount.h", "sys/syscall.h", "sys/reboot.h", "sys/ioctl.h",
                "net/if.h", "linux/capability.h",
             "linux/watchdog.h", "asm/termbits.h", "linux/kd.h", "linux/vt.h", "linux/tiocl.h", "linux/keyboard.h", "linux/input-event-codes.h"], facts);
    }

    private delegate ref TField Field<TStruct, TField>(ref TStruct s);

    private static long Offset<TStruct, TField>(Field<TStruct, TField> field) where TStruct : unmanaged
    {
        TStruct s = default;
        return (long)Unsafe.ByteOffset(ref Unsafe.As<TStruct, byte>(ref s), ref Unsafe.As<TField, byte>(ref field(ref s)));
    }
}
