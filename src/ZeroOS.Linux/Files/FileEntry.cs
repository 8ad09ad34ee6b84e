namespace ZeroOS.Linux;

/// <summary>What kind of thing a name is (the type bits of st_mode, inode(7)).</summary>
public enum EntryKind
{
    None = 0, Pipe = 0x1000, CharacterDevice = 0x2000, Directory = 0x4000, BlockDevice = 0x6000, File = 0x8000, SymbolicLink = 0xA000, Socket = 0xC000,
}

/// <summary>Owner, mode, size and identity of a name (stat(2)). <paramref name="Mode"/> is the lower 12 bits; sizes in bytes.</summary>
public readonly record struct EntryStatus(EntryKind Kind, int Mode, uint User, uint Group, long Size, ulong Device, ulong Number,
    ulong FileSystem, ulong Links);

/// <summary>Names in a file system, by path (<see cref="PathText"/>); the last component is never followed when it is a symbolic link.</summary>
public static unsafe class FileEntry
{
    /// <summary>What is at <paramref name="path"/>, or null when there is nothing.</summary>
    /// <exception cref="LinuxException">What stat(2) refused, other than that.</exception>
    public static EntryStatus? TryStatus(string path)
    {
        stat s;
        fixed (byte* p = Text(path))
        {
            if (fstatat(AT_FDCWD, p, &s, AT_SYMLINK_NOFOLLOW) != 0)
                return Libc.LastError is Errno.ENOENT or Errno.ENOTDIR ? null : throw new LinuxException(Libc.LastError, "stat", path);
        }
        int mode = (ushort)s.st_mode;
        return new EntryStatus((EntryKind)(mode & 0xF000), mode & 0xFFF, s.st_uid, s.st_gid, s.st_size, s.st_rdev, s.st_ino, s.st_dev, s.st_nlink);
    }

    /// <summary>The names in a directory, sorted by bytes, without `.` and `..`.</summary>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    public static IEnumerable<string> Names(string path)
    {
        using OpenDirectory directory = OpenDirectory.Open(path);
        return directory.Names().Select(name => PathText.FromBytes(System.Text.Encoding.Latin1.GetBytes(name)));
    }

    /// <summary>
    /// Bytes of the medium that the file at <paramref name="path"/> takes, which a file with holes has fewer of than its size; 0 when there is none.
    /// </summary>
    public static long AllocatedBytes(string path)
    {
        const int BlockBytes = 512; // of st_blocks, whatever the file system's own are
        stat s;
        fixed (byte* p = Text(path))
            return fstatat(AT_FDCWD, p, &s, AT_SYMLINK_NOFOLLOW) == 0 ? s.st_blocks * BlockBytes : 0;
    }

    /// <summary>Makes a device, pipe or socket name with exactly <paramref name="mode"/>.</summary>
    public static void Make(string path, EntryKind kind, int mode, ulong device = 0)
    {
        fixed (byte* p = Text(path))
            Check(Libc.mknod(p, (uint)kind | (uint)mode, device), "mknod", path);
        SetMode(path, mode);
    }

    /// <summary>Makes a symbolic link that says <paramref name="target"/>.</summary>
    public static void MakeLink(string path, string target)
    {
        fixed (byte* t = Text(target), p = Text(path))
            Check(symlink(t, p), "symlink", path);
    }

    /// <summary>Gives the file <paramref name="existing"/> a second name.</summary>
    public static void MakeHardLink(string path, string existing)
    {
        fixed (byte* e = Text(existing), p = Text(path))
            Check(link(e, p), "link", path);
    }

    /// <summary>What a symbolic link says, at most 4,095 bytes.</summary>
    public static string ReadLink(string path)
    {
        byte* buffer = stackalloc byte[4096];
        fixed (byte* p = Text(path))
        {
            long n = readlinkat(AT_FDCWD, p, buffer, 4096);
            Check((int)n, "readlink", path);
            return PathText.FromBytes(new ReadOnlySpan<byte>(buffer, (int)n));
        }
    }

    /// <summary>Sets the owner.</summary>
    public static void SetOwner(string path, uint user, uint group)
    {
        fixed (byte* p = Text(path))
            Check(lchown(p, user, group), "chown", path);
    }

    /// <summary>Sets the lower 12 mode bits; not for symbolic links, which have none.</summary>
    public static void SetMode(string path, int mode)
    {
        fixed (byte* p = Text(path))
            Check(chmod(p, (ushort)mode), "chmod", path);
    }

    /// <summary>Gives <paramref name="to"/> the modification time and the extended attributes of <paramref name="from"/>.</summary>
    public static void CopyAttributes(string from, string to)
    {
        const int MaxValue = 65536;
        fixed (byte* f = Text(from), t = Text(to))
        {
            byte[] names = new byte[MaxValue], value = new byte[MaxValue];
            fixed (byte* list = names, v = value)
            {
                nint length = Libc.llistxattr(f, list, MaxValue);
                for (nint at = 0; at < length;)
                {
                    byte* name = list + at;
                    nint size = Libc.lgetxattr(f, name, v, MaxValue);
                    if (size >= 0 && Libc.lsetxattr(t, name, v, (nuint)size, 0) != 0 && Libc.LastError != Errno.EOPNOTSUPP)
                        throw new LinuxException(Libc.LastError, "setxattr", to);
                    while (list[at++] != 0)
                        continue;
                }
            }
            stat s;
            Check(fstatat(AT_FDCWD, f, &s, AT_SYMLINK_NOFOLLOW), "stat", from);
            timespec* times = stackalloc timespec[2] { s.st_atim, s.st_mtim };
            Check(utimensat(AT_FDCWD, t, times, AT_SYMLINK_NOFOLLOW), "utimens", to);
        }
    }

    /// <summary>The device number of a major and a minor (makedev(3)).</summary>
    public static ulong Device(uint major, uint minor) =>
        ((ulong)(major & 0xFFF) << 8) | ((ulong)(major & ~0xFFFu) << 32) | (minor & 0xFF) | ((ulong)(minor & ~0xFFu) << 12);

    private static void Check(int result, string operation, string path)
    {
        if (result < 0)
            throw new LinuxException(Libc.LastError, operation, path);
    }

    private static byte[] Text(string text) => PathText.ToBytes(text);
}
