using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// Moves out of the kernel's initial rootfs, which has no limit and cannot be pivoted away from, into a tmpfs just large enough for the image, and makes it
/// read-only. What systemd-stub put beside the image (/.extra) comes along like every other file.
/// </summary>
internal static class BoundedRoot
{
    /// <summary>Where the new root is built.</summary>
    internal const string NewRoot = "/.root";

    /// <summary>How the new root is known in the list of mounts.</summary>
    internal const string Source = "zeroos-root";

    private const long MiB = 1 << 20;

    // Directories that later steps and roles mount on; the root is read-only by then.
    private static readonly string[] s_mountPoints = ["/disks", "/mnt", "/tmp"];

    internal static void Move(Boot boot)
    {
        IBootKernel kernel = boot.Kernel;
        MountPoint? root = kernel.Mounted().LastOrDefault(m => m.Target == "/");
        if (root?.Source == Source)
        {
            Finish(boot);
            return;
        }
        long size = kernel.RootBytes() + (8 * MiB);
        kernel.MakeDirectory(NewRoot, Mode.FolderForAll);
        Must(kernel.Mount(Source, NewRoot, "tmpfs", MountFlags.NoSuid, $"mode=0755,size={size}"), "mount", NewRoot);
        foreach (string directory in (string[])["/dev", "/proc", "/run", "/sys", .. s_mountPoints])
            kernel.MakeDirectory(NewRoot + directory, Mode.FolderForAll);
        kernel.MoveRootFiles(NewRoot);
        foreach (string mount in (string[])["/dev", "/run", "/sys", "/proc"])
            Must(kernel.Mount(mount, NewRoot + mount, "", MountFlags.Move, ""), "move", mount);
        kernel.MoveOverRoot(NewRoot);
        kernel.ReExecute();
    }

    // /etc alone stays writable, without code or devices: the node keeps name service there, and the jails see it.
    private static void Finish(Boot boot)
    {
        const MountFlags Quiet = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;
        IBootKernel kernel = boot.Kernel;
        kernel.MakeDirectory("/etc", Mode.FolderForAll);
        kernel.MakeDirectory("/run/ca", Mode.FolderForAll);
        kernel.MakeDirectory("/run/node", Mode.OwnerFolder); // HOME of role node
        bool hasCa = kernel.Exists("/etc/ssl/certs");
        // The CA bundle stays where it is in the root; a bind of its directory survives the mount over /etc.
        if (hasCa)
            Must(kernel.Mount("/etc/ssl/certs", "/run/ca", "", MountFlags.Bind, ""), "bind", "/etc/ssl/certs");
        Must(kernel.Mount("etc", "/etc", "tmpfs", Quiet, "mode=0755,size=1m"), "mount", "/etc");
        if (hasCa)
        {
            kernel.MakeDirectory("/etc/ssl", Mode.FolderForAll);
            kernel.MakeDirectory("/etc/ssl/certs", Mode.FolderForAll);
            Must(kernel.Mount("/run/ca", "/etc/ssl/certs", "", MountFlags.Move, ""), "move", "/etc/ssl/certs");
            Must(kernel.Mount("", "/etc/ssl/certs", "", MountFlags.Remount | MountFlags.Bind | MountFlags.ReadOnly | Quiet, ""), "remount", "/etc/ssl/certs");
        }
        kernel.MakeFile("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
        kernel.MakeFile("/etc/resolv.conf", "");
        Must(kernel.Mount("tmp", "/tmp", "tmpfs", Quiet, "mode=1777,size=64m"), "mount", "/tmp");
        Must(kernel.Mount("", "/", "", MountFlags.Remount | MountFlags.Bind | MountFlags.ReadOnly | MountFlags.NoSuid | MountFlags.NoDev, ""), "remount", "/");
    }

    private static void Must(Errno errno, string operation, string subject)
    {
        if (errno != Errno.None)
            throw new LinuxException(errno, operation, subject);
    }
}
