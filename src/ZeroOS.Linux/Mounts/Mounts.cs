
namespace ZeroOS.Linux;

/// <summary>One line of /proc/self/mounts.</summary>
public sealed record MountPoint(string Source, string Target, string Type, string Options);

/// <summary>File system mounts of this process's mount namespace.</summary>
public static unsafe class Mounts
{
    private const int SYS_pivot_root = 155;

    /// <summary>Mounts <paramref name="type"/> on <paramref name="target"/>.</summary>
    /// <exception cref="LinuxException">What mount(2) refused, with the target and its errno.</exception>
    public static void Mount(string source, string target, string type, MountFlags flags, string options = "")
    {
        if (TryMount(source, target, type, flags, options) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "mount", target);
    }

    /// <summary>As <see cref="Mount"/>, the refusal returned.</summary>
    public static Errno TryMount(string source, string target, string type, MountFlags flags, string options = "")
    {
        fixed (byte* s = Text(source), t = Text(target), k = Text(type), o = Text(options))
            return mount(s, t, k, (uint)flags, options.Length == 0 ? null : o) == 0 ? Errno.None : Libc.LastError;
    }

    /// <summary>
    /// Shows <paramref name="source"/> (a directory, or a file over a file) at <paramref name="target"/> too, with its own flags; one by a descriptor has none:
    /// it means what lies below the mount from then on.
    /// </summary>
    public static void Bind(string source, string target, MountFlags flags = MountFlags.None)
    {
        Mount(source, target, "", MountFlags.Bind);
        // A bind takes the flags of its source; only a remount of the bind gives it others.
        if (flags != MountFlags.None)
            Mount("", target, "", MountFlags.Remount | MountFlags.Bind | flags);
    }

    /// <summary>Makes what is mounted at a path beneath <paramref name="root"/> read-only, wherever its links lead; the other flags are those given.</summary>
    /// <exception cref="LinuxException">Nothing is mounted there.</exception>
    public static void MakeReadOnly(RootedDirectory root, string path, MountFlags others = MountFlags.None)
    {
        using FileDescriptor mounted = root.TryOpen(path, OpenFlags.Path, 0, out Errno errno) ?? throw new LinuxException(errno, "open", path);
        Mount("", $"/proc/self/fd/{mounted.Number}", "", MountFlags.Remount | MountFlags.Bind | MountFlags.ReadOnly | others);
    }

    /// <summary>Mounts and unmounts of this namespace are no longer seen in others, nor theirs here.</summary>
    public static void MakeAllPrivate() => Mount("", "/", "", MountFlags.Private | MountFlags.Recursive);

    /// <summary>Takes the mount away; <paramref name="detach"/>: at once from the tree, and for good when its last user goes.</summary>
    public static Errno TryUnmount(string target, bool detach = false)
    {
        fixed (byte* t = Text(target))
            return umount2(t, detach ? MNT_DETACH : 0) == 0 ? Errno.None : Libc.LastError;
    }

    /// <summary>
    /// Makes the mount at <paramref name="newRoot"/> the root of this namespace and lets go of the old one. EINVAL on the kernel's initial rootfs.
    /// </summary>
    public static void PivotInto(string newRoot)
    {
        ChangeDirectory(newRoot);
        fixed (byte* here = Text("."))
        {
            // With both names the same directory the old root ends up stacked over the new one, and no directory for it is needed (pivot_root(2), Notes).
            if ((int)syscall(SYS_pivot_root, here, here) != 0)
                throw new LinuxException(Libc.LastError, "pivot_root", newRoot);
        }
        if (TryUnmount(".", detach: true) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "umount", "old root");
        ChangeDirectory("/");
    }

    /// <summary>Moves the mount at <paramref name="newRoot"/> over the root and makes it this process's root: what works on the initial rootfs.</summary>
    public static void MoveOverRoot(string newRoot)
    {
        ChangeDirectory(newRoot);
        Mount(".", "/", "", MountFlags.Move);
        fixed (byte* here = Text("."))
        {
            if (chroot(here) != 0)
                throw new LinuxException(Libc.LastError, "chroot", newRoot);
        }
        ChangeDirectory("/");
    }

    /// <summary>Sets this process's working directory.</summary>
    public static void ChangeDirectory(string path)
    {
        fixed (byte* p = Text(path))
        {
            if (chdir(p) != 0)
                throw new LinuxException(Libc.LastError, "chdir", path);
        }
    }

    /// <summary>Makes one directory; one that exists is not an error.</summary>
    public static void MakeDirectory(string path, int mode = Mode.FolderForAll)
    {
        fixed (byte* p = Text(path))
        {
            if (mkdirat(AT_FDCWD, p, (ushort)mode) != 0 && Libc.LastError != Errno.EEXIST)
                throw new LinuxException(Libc.LastError, "mkdir", path);
        }
    }

    /// <summary>What is mounted, in the order it was, read from /proc/self/mounts.</summary>
    public static IReadOnlyList<MountPoint> List()
    {
        List<MountPoint> mounts = [];
        foreach (string line in KernelFile.Read("/proc/self/mounts", 1 << 20).Split('\n'))
        {
            string[] part = line.Split(' ');
            if (part.Length >= 4)
                mounts.Add(new MountPoint(Unescape(part[0]), Unescape(part[1]), part[2], part[3]));
        }
        return mounts;
    }

    // The kernel writes space, tab, newline and backslash in names as three octal digits (proc_pid_mounts(5)).
    private static string Unescape(string text)
        => text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);

    private static byte[] Text(string text) => PathText.ToBytes(text);
}
