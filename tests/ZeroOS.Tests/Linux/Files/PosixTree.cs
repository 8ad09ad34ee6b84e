using System.Globalization;
using System.Security.Cryptography;
using System.Text;

using Mono.Unix.Native;

namespace ZeroOS.Tests.Linux.Files;

/// <summary>
/// A file tree read by Mono.Posix and not by our own code: type, mode, owner, time, links, devices, targets, content and extended attributes, one line a name.
/// Two trees with equal lines are the same to a program that runs in them.
/// </summary>
internal static class PosixTree
{
    private const uint TypeBits = 0xF000, Device = 0x2000, Directory = 0x4000, BlockDevice = 0x6000, RegularFile = 0x8000, SymbolicLink = 0xA000;

    /// <summary>Describes everything below <paramref name="root"/>; the directory itself is ".".</summary>
    public static SortedDictionary<string, string> Describe(string root)
    {
        SortedDictionary<string, string> lines = new(StringComparer.Ordinal);
        // A hard link is told by the first of its names in the order of the names.
        Dictionary<ulong, string> firstNames = [];
        Add(root, ".", lines, firstNames);
        return lines;
    }

    private static void Add(string path, string name, SortedDictionary<string, string> lines, Dictionary<ulong, string> firstNames)
    {
        Check(Syscall.lstat(path, out Stat s), "lstat", path);
        uint mode = NativeConvert.FromFilePermissions(s.st_mode), type = mode & TypeBits;
        StringBuilder line = new();
        line.Append(CultureInfo.InvariantCulture, $"{mode:x} {s.st_uid}:{s.st_gid} {s.st_mtime}.{s.st_mtime_nsec:d9} links={s.st_nlink}");
        if (type is Device or BlockDevice)
            line.Append(CultureInfo.InvariantCulture, $" device={s.st_rdev:x}");
        if (type == SymbolicLink)
            line.Append(CultureInfo.InvariantCulture, $" to={Target(path)}");
        if (type != Directory && s.st_nlink > 1)
            line.Append(CultureInfo.InvariantCulture, $" first={(firstNames.TryAdd(s.st_ino, name) ? name : firstNames[s.st_ino])}");
        if (type == RegularFile)
            line.Append(CultureInfo.InvariantCulture, $" size={s.st_size} {Hash(path)}");
        foreach ((string attribute, byte[] value) in Attributes(path))
            line.Append(CultureInfo.InvariantCulture, $" {attribute}={Convert.ToHexString(value)}");
        lines[name] = line.ToString();
        if (type != Directory)
            return;
        foreach (string child in Names(path))
            Add($"{path}/{child}", name == "." ? child : $"{name}/{child}", lines, firstNames);
    }

    private static IEnumerable<string> Names(string path)
    {
        nint directory = Syscall.opendir(path);
        Check(directory == 0 ? -1 : 0, "opendir", path);
        List<string> names = [];
        while (Syscall.readdir(directory) is { } entry)
        {
            if (entry.d_name is not ("." or ".."))
                names.Add(entry.d_name);
        }
        Check(Syscall.closedir(directory), "closedir", path);
        return names.Order(StringComparer.Ordinal);
    }

    private static string Target(string path)
    {
        byte[] target = new byte[4096];
        long length = Syscall.readlink(path, target);
        Check(length, "readlink", path);
        return Encoding.Latin1.GetString(target, 0, (int)length);
    }

    private static string Hash(string path)
    {
        int fd = Syscall.open(path, OpenFlags.O_RDONLY);
        Check(fd, "open", path);
        try
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[1 << 20];
            for (long n; (n = Read(fd, buffer, path)) > 0;)
                hash.AppendData(buffer, 0, (int)n);
            return Convert.ToHexString(hash.GetHashAndReset());
        }
        finally
        {
            _ = Syscall.close(fd);
        }
    }

    private static unsafe long Read(int fd, byte[] buffer, string path)
    {
        long n;
        // SAFETY: at most the buffer's length is written.
        fixed (byte* p = buffer)
            n = Syscall.read(fd, (nint)p, (ulong)buffer.Length);
        Check(n, "read", path);
        return n;
    }

    private static IEnumerable<(string Name, byte[] Value)> Attributes(string path)
    {
        byte[] list = new byte[64 * 1024], value = new byte[64 * 1024];
        long length = Syscall.llistxattr(path, list, (ulong)list.Length);
        if (length < 0 && Stdlib.GetLastError() == Errno.EOPNOTSUPP)
            yield break;
        Check(length, "llistxattr", path);
        string[] names = Encoding.Latin1.GetString(list, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        foreach (string name in names.Order(StringComparer.Ordinal))
        {
            long size = Syscall.lgetxattr(path, name, value, (ulong)value.Length);
            Check(size, "lgetxattr", $"{path} {name}");
            yield return (name, value[..(int)size]);
        }
    }

    private static void Check(long result, string call, string path) =>
        Assert.True(result >= 0, result >= 0 ? "" : $"{call} {path}: {Stdlib.GetLastError()}");
}
