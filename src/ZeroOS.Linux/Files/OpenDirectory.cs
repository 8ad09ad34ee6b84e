using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Linux;

/// <summary>
/// A directory held open, whose names are looked at without following a link and without building paths: a tree walked with it cannot be
/// swapped under the walker. Names hold one byte a character (Latin-1), because Linux names are bytes.
/// </summary>
public sealed unsafe partial class OpenDirectory : IDisposable
{
    private readonly FileDescriptor _fd;
    private readonly string _path;

    private OpenDirectory(FileDescriptor fd, string path)
    {
        _fd = fd;
        _path = path;
    }

    /// <summary>Opens a directory by path; links on the way are followed.</summary>
    /// <exception cref="LinuxException">What open(2) refused.</exception>
    public static OpenDirectory Open(string path) => new(FileDescriptor.Open(path, OpenFlags.Directory), path);

    /// <summary>Opens the directory that is held by <paramref name="directory"/> (O_PATH is enough), which stays the caller's.</summary>
    /// <param name="directory">Held.</param>
    /// <param name="name">What to call it in an error.</param>
    /// <exception cref="LinuxException">What openat(2) refused.</exception>
    public static OpenDirectory Of(FileDescriptor directory, string name)
    {
        // SAFETY: the name is NUL-terminated and pinned for the call.
        fixed (byte* p = "."u8)
        {
            int fd = openat(directory.Number, p, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
            return fd >= 0 ? new OpenDirectory(new FileDescriptor(fd), name) : throw new LinuxException(Libc.LastError, "openat", name);
        }
    }

    /// <summary>
    /// Opens a directory below this one by a path without `..`, or this one again when it is empty. No component of it may be a symbolic link (openat2(2),
    /// RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS): ELOOP says that one is.
    /// </summary>
    public OpenDirectory? TryOpenBeneath(string path, out Errno errno)
    {
        open_how how = new() { flags = (ulong)(O_RDONLY | O_DIRECTORY | O_CLOEXEC), resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        // SAFETY: the path is NUL-terminated and pinned, and the kernel reads one open_how.
        fixed (byte* p = Bytes(path.Length == 0 ? "." : path))
        {
            int fd;
            do
            {
                fd = openat2(_fd.Number, p, &how, sizeof(open_how));
                errno = fd < 0 ? Libc.LastError : Errno.None;
            }
            while (errno == Errno.EINTR);
            return fd < 0 ? null : new OpenDirectory(new FileDescriptor(fd), $"{_path}/{path}");
        }
    }

    /// <summary>Opens a child directory.</summary>
    public OpenDirectory OpenChild(string name) => new(OpenAt(name, OpenFlags.Directory | OpenFlags.NoFollow), _path + "/" + name);

    /// <summary>Opens a file in this directory for reading.</summary>
    public FileDescriptor OpenFile(string name) => OpenAt(name, OpenFlags.NoFollow | OpenFlags.NonBlocking);

    /// <summary>
    /// Opens a regular file in this directory for reading; null when the name is anything else, or nothing. What it is decides before it is opened: a device or
    /// a pipe that somebody puts in its place is not touched.
    /// </summary>
    public FileDescriptor? TryOpenRegular(string name, out FileStatus status)
    {
        status = default;
        using FileDescriptor? held = TryHold(name);
        if (held is null)
            return null;
        status = held.Status;
        return status.Kind == EntryKind.File ? FileDescriptor.TryOpen($"/proc/self/fd/{held.Number}", OpenFlags.ReadOnly, 0, out _) : null;
    }

    /// <summary>The names in it, sorted by bytes, without `.` and `..`.</summary>
    public IReadOnlyList<string> Names() => TryNames(long.MaxValue, out _)!;

    /// <summary>As <see cref="Names"/>; null when they take more memory than <paramref name="mostBytes"/>.</summary>
    public IReadOnlyList<string>? TryNames(long mostBytes, out long bytes)
    {
        bytes = 0;
        const int SYS_getdents64 = 217;
        const int RecordLength = 16, NameOffset = 19; // struct linux_dirent64
        var names = new List<string>();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            int read;
            // SAFETY: the kernel writes at most the buffer's length.
            fixed (byte* p = buffer)
                read = (int)syscall(SYS_getdents64, _fd.Number, p, buffer.Length);
            if (read < 0)
                throw new LinuxException(Libc.LastError, "getdents64", _path);
            if (read == 0)
                break;
            for (int at = 0; at < read;)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + RecordLength));
                ReadOnlySpan<byte> name = buffer.AsSpan(at + NameOffset, length - NameOffset);
                string text = Encoding.Latin1.GetString(name[..name.IndexOf((byte)0)]);
                if (text is not "." and not "..")
                {
                    names.Add(text);
                    bytes += MemoryOf(text);
                    if (bytes > mostBytes)
                        return null;
                }
                at += length;
            }
        }
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>Bytes of memory that a name of <see cref="Names"/> takes, about: what a walker of foreign trees counts.</summary>
    public static long MemoryOf(string name) => 40 + (2L * name.Length);

    /// <summary>Describes a name in this directory, or the directory itself when it is empty.</summary>
    /// <exception cref="LinuxException">What fstatat(2) refused.</exception>
    public FileStatus Status(string name) =>
        TryStatus(name, out FileStatus status) is var errno && errno == Errno.None ? status : throw new LinuxException(errno, "fstatat", $"{_path}/{name}");

    /// <summary>As <see cref="Status"/>, the refusal returned.</summary>
    public Errno TryStatus(string name, out FileStatus status)
    {
        stat s;
        status = default;
        // SAFETY: the name is NUL-terminated and pinned, and the kernel fills one stat.
        fixed (byte* p = Bytes(name))
        {
            if (fstatat(_fd.Number, p, &s, name.Length == 0 ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW) < 0)
                return Libc.LastError;
        }
        status = Describe(s);
        return Errno.None;
    }

    internal static FileStatus Describe(in stat s)
    {
        return new FileStatus
        {
            Mode = (ushort)s.st_mode,
            Uid = s.st_uid,
            Gid = s.st_gid,
            Links = s.st_nlink,
            Inode = s.st_ino,
            FileSystem = s.st_dev,
            Device = DeviceNumber(s.st_rdev),
            Size = s.st_size,
            MtimeSeconds = s.st_mtim.tv_sec,
            MtimeNanoseconds = (uint)(long)s.st_mtim.tv_nsec,
        };
    }

    /// <summary>The text of a symbolic link in this directory.</summary>
    public string ReadLink(string name)
    {
        var buffer = new byte[4096];
        // SAFETY: the name is NUL-terminated and pinned, and the kernel writes at most the buffer's length.
        fixed (byte* p = Bytes(name), b = buffer)
        {
            long length = readlinkat(_fd.Number, p, b, buffer.Length);
            return length >= 0 ? Encoding.Latin1.GetString(buffer, 0, (int)length) : throw Refused("readlinkat", name);
        }
    }

    /// <summary>The extended attributes this process may see; none on a file system that has none.</summary>
    public IReadOnlyDictionary<string, byte[]> Xattrs(string name)
    {
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        // There is no *xattrat before Linux 6.13; through the descriptor the path stays inside this very directory.
        byte[] path = Bytes($"/proc/self/fd/{_fd.Number}/{(name.Length == 0 ? "." : name)}");
        var list = new byte[64 * 1024];
        nint length;
        // SAFETY: path is NUL-terminated, and the kernel writes at most the sizes given.
        fixed (byte* p = path, l = list)
            length = Libc.llistxattr(p, l, (nuint)list.Length);
        if (length < 0)
            return Libc.LastError == Errno.EOPNOTSUPP ? found : throw Refused("llistxattr", name);
        foreach (string attribute in Encoding.Latin1.GetString(list, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            var value = new byte[64 * 1024];
            nint size;
            // SAFETY: as above.
            fixed (byte* p = path, n = Bytes(attribute), v = value)
                size = Libc.lgetxattr(p, n, v, (nuint)value.Length);
            found[attribute] = size >= 0 ? value[..(int)size] : throw Refused("lgetxattr", name);
        }
        return found;
    }

    public void Dispose() => _fd.Dispose();

    // Whatever it is, and nothing is done to it; null when it is not there.
    private FileDescriptor? TryHold(string name)
    {
        // SAFETY: the name is NUL-terminated and pinned for the call.
        fixed (byte* p = Bytes(name))
        {
            int fd = openat(_fd.Number, p, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
            return fd < 0 ? null : new FileDescriptor(fd);
        }
    }

    private FileDescriptor OpenAt(string name, OpenFlags flags)
    {
        // SAFETY: the name is NUL-terminated and pinned for the call.
        fixed (byte* p = Bytes(name))
        {
            int fd;
            do
                fd = openat(_fd.Number, p, (int)flags | O_CLOEXEC, 0);
            while (fd < 0 && Libc.LastError == Errno.EINTR);
            return fd >= 0 ? new FileDescriptor(fd) : throw Refused("openat", name);
        }
    }

    /// <summary>Major and minor number out of glibc's 64-bit dev_t (sys/sysmacros.h).</summary>
    private static (uint Major, uint Minor) DeviceNumber(ulong device) =>
        ((uint)((device >> 8 & 0xFFF) | (device >> 32 & 0xFFFFF000)), (uint)((device & 0xFF) | (device >> 12 & 0xFFFFFF00)));

    private static byte[] Bytes(string name) => Encoding.Latin1.GetBytes(name + '\0');

    private LinuxException Refused(string operation, string name) => new(Libc.LastError, operation, $"{_path}/{name}");
}
