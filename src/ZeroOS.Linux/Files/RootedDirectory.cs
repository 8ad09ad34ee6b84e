using System.Text;

namespace ZeroOS.Linux;

/// <summary>
/// A directory that is somebody's root: paths are resolved inside it as chroot would, symbolic links and ".." of the content included
/// (openat2(2), RESOLVE_IN_ROOT). How files of an image are reached without trusting its links.
/// </summary>
public sealed unsafe class RootedDirectory : IDisposable
{
    private const int MaxLinks = 16;
    private readonly FileDescriptor _root;
    private readonly string _name;

    /// <summary>Opens the directory <paramref name="path"/>.</summary>
    public RootedDirectory(string path)
    {
        _name = path;
        _root = FileDescriptor.Open(path, OpenFlags.Path | OpenFlags.Directory);
    }

    /// <summary>Opens <paramref name="path"/> inside, or returns null and says why.</summary>
    public FileDescriptor? TryOpen(string path, OpenFlags flags, int mode, out Errno errno)
    {
        open_how how = new() { flags = (ulong)((int)flags | O_CLOEXEC), mode = (ulong)mode, resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        fixed (byte* p = PathText.ToBytes(path))
        {
            int fd = openat2(_root.Number, p, &how, sizeof(open_how));
            errno = fd < 0 ? Libc.LastError : Errno.None;
            return fd < 0 ? null : new FileDescriptor(fd);
        }
    }

    /// <summary>
    /// Finds the directory (O_PATH, the caller's) in which <paramref name="path"/> ends, and the last name, one byte a character, as
    /// <see cref="OpenDirectory"/> has it. Nothing need have that name. It is empty when the path is a directory by its form: the root, or one that ends with
    /// `.` or `..`. A last name that is a symbolic link is followed, inside, when <paramref name="follow"/> or a slash behind it says so.
    /// </summary>
    /// <exception cref="LinuxException">What is on the way is no directory, or not there, or a circle of links.</exception>
    public (FileDescriptor Directory, string Name) Locate(string path, bool follow)
    {
        for (int links = 0; links < MaxLinks; links++)
        {
            string plain = path.TrimEnd('/');
            follow |= plain.Length < path.Length;
            int slash = plain.LastIndexOf('/') + 1;
            (string parent, string name) = ("/" + plain[..slash], plain[slash..]);
            bool isDirectory = name is "" or "." or "..";
            FileDescriptor directory = TryOpen(isDirectory ? "/" + path : parent, OpenFlags.Path | OpenFlags.Directory, 0, out Errno errno)
                ?? throw new LinuxException(errno, "open", isDirectory ? path : parent);
            if (isDirectory)
                return (directory, "");
            if (!follow || TryReadLink(directory, name) is not { } says)
                return (directory, PathText.Bytewise(name));
            directory.Dispose();
            path = says.StartsWith('/') ? says : parent + says;
        }
        throw new LinuxException(Errno.ELOOP, "open", path);
    }

    /// <summary>Reads a small file inside as text; null when it is not there or longer than <paramref name="mostBytes"/>.</summary>
    public string? TryReadText(string path, int mostBytes)
    {
        using FileDescriptor? file = TryOpen(path, OpenFlags.ReadOnly | OpenFlags.NonBlocking, 0, out _);
        if (file is null)
            return null;
        byte[] bytes = new byte[mostBytes + 1];
        int length = 0;
        while (length < bytes.Length)
        {
            if (file.TryRead(bytes.AsSpan(length), out int n) != Errno.None)
                return null;
            if (n == 0)
                return Encoding.UTF8.GetString(bytes, 0, length);
            length += n;
        }
        return null;
    }

    /// <summary>
    /// Opens the directory <paramref name="path"/> inside (O_PATH) and makes what is missing of it, mode 755. Says whether the last part is new.
    /// </summary>
    public FileDescriptor MakeDirectory(string path, out bool made)
    {
        made = false;
        string sofar = "/";
        FileDescriptor? at = TryOpen(sofar, OpenFlags.Path | OpenFlags.Directory, 0, out Errno errno);
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            sofar = sofar == "/" ? "/" + part : $"{sofar}/{part}";
            made = false;
            FileDescriptor? next = at is null ? null : TryOpen(sofar, OpenFlags.Path | OpenFlags.Directory, 0, out errno);
            if (next is null && errno == Errno.ENOENT && part is not ("." or ".."))
            {
                fixed (byte* p = Encoding.UTF8.GetBytes(part + '\0'))
                    made = mkdirat(at!.Number, p, Mode.FolderForAll) == 0;
                errno = made ? Errno.None : Libc.LastError;
                next = made ? TryOpen(sofar, OpenFlags.Path | OpenFlags.Directory, 0, out errno) : null;
            }
            at?.Dispose();
            at = next ?? throw new LinuxException(errno, "mkdir", path);
        }
        return at ?? throw new LinuxException(errno, "open", _name);
    }

    /// <summary>
    /// Opens the file <paramref name="path"/> inside (O_PATH), made empty with mode 644 if it is missing, its directories too. A link that leads
    /// nowhere is followed: what it names is made, inside.
    /// </summary>
    public FileDescriptor MakeFile(string path)
    {
        for (int links = 0; links < MaxLinks; links++)
        {
            if (TryOpen(path, OpenFlags.Path, 0, out Errno errno) is { } there)
                return there;
            if (errno is not Errno.ENOENT)
                throw new LinuxException(errno, "open", path);
            int slash = path.LastIndexOf('/');
            (string parent, string name) = (path[..(slash + 1)], path[(slash + 1)..]);
            using FileDescriptor directory = MakeDirectory(parent, out _);
            if (TryReadLink(directory, name) is { } says)
            {
                path = says.StartsWith('/') ? says : parent + says;
                continue;
            }
            using FileDescriptor? made = TryOpen($"{parent}/{name}", OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow,
                Mode.ReadableByAll, out errno);
            if (made is null)
                throw new LinuxException(errno, "create", path);
        }
        throw new LinuxException(Errno.ELOOP, "open", path);
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    private static string? TryReadLink(FileDescriptor directory, string name)
    {
        byte* target = stackalloc byte[4096];
        fixed (byte* n = PathText.ToBytes(name))
        {
            long length = readlinkat(directory.Number, n, target, 4096);
            return length < 0 ? null : PathText.FromBytes(new ReadOnlySpan<byte>(target, (int)length));
        }
    }
}
