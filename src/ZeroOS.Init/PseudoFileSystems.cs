using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>The file systems that are the kernel's own voice, and the small ones in memory for what changes at run time.</summary>
internal static class PseudoFileSystems
{
    private const MountFlags Quiet = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;

    // Optional ones are there only on computers that have the thing: EFI variables, crash records, the TPM's event log.
    private static readonly (string Target, string Type, MountFlags Flags, string Options, bool Optional)[] s_table =
    [
        ("/proc", "proc", Quiet, "", false),
        ("/sys", "sysfs", Quiet, "", false),
        ("/dev", "devtmpfs", MountFlags.NoSuid, "mode=0755", false),
        ("/dev/shm", "tmpfs", Quiet, "mode=1777,size=64m", false),
        ("/run", "tmpfs", Quiet, "mode=0755,size=64m", false),
        ("/sys/fs/cgroup", "cgroup2", Quiet, "nsdelegate,memory_recursiveprot", false),
        ("/sys/kernel/security", "securityfs", Quiet, "", true),
        ("/sys/firmware/efi/efivars", "efivarfs", Quiet | MountFlags.ReadOnly, "", true),
        ("/sys/fs/pstore", "pstore", Quiet, "", true),
    ];

    internal static void Mount(Boot boot)
    {
        HashSet<string> mounted = [.. boot.Kernel.Mounted().Select(m => m.Target)];
        foreach ((string target, string type, MountFlags flags, string options, bool optional) in s_table)
        {
            if (mounted.Contains(target))
                continue;
            if (!optional)
                boot.Kernel.MakeDirectory(target, Mode.FolderForAll);
            Errno errno = boot.Kernel.Mount(type, target, type, flags, options);
            if (errno is Errno.None or Errno.EBUSY || optional)
                continue;
            throw new LinuxException(errno, "mount", target);
        }
    }
}
