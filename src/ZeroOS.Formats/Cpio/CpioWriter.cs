using System.Globalization;
using System.Text;

namespace ZeroOS.Formats.Cpio;

/// <summary>
/// Writes a cpio archive in the "newc" format the Linux kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst). Deterministic: inode
/// numbers count up, owner 0:0, all times are the one given. Parents must be written before their children; no root privileges are needed for device nodes.
/// </summary>
public sealed class CpioWriter(Stream output, DateTimeOffset time)
{
    private const int TypeDirectory = 0x4000, TypeFile = 0x8000, TypeSymlink = 0xA000, TypeCharacterDevice = 0x2000;
    private readonly uint _time = checked((uint)time.ToUnixTimeSeconds());
    private uint _inode;
    private long _position;

    /// <summary>Adds a directory. <paramref name="path"/> is absolute, permissions are the low 12 bits of a mode.</summary>
    public void AddDirectory(string path, int permissions) => Add(path, TypeDirectory | permissions, [], 0, 0);

    /// <summary>Adds a regular file of at most 4 GiB.</summary>
    public void AddFile(string path, int permissions, ReadOnlySpan<byte> content) => Add(path, TypeFile | permissions, content, 0, 0);

    /// <summary>Adds a symbolic link.</summary>
    public void AddSymlink(string path, string target) => Add(path, TypeSymlink | 0x1FF, Encoding.UTF8.GetBytes(target), 0, 0);

    /// <summary>Adds a character device node.</summary>
    public void AddCharacterDevice(string path, int permissions, uint major, uint minor) => Add(path, TypeCharacterDevice | permissions, [], major, minor);

    /// <summary>Writes the trailer and pads to 512 bytes, so that another archive can follow.</summary>
    public void Finish()
    {
        WriteHeader("TRAILER!!!", 0, 0, 0, 0, 0, 1);
        Pad(512);
    }

    private void Add(string path, int mode, ReadOnlySpan<byte> content, uint major, uint minor)
    {
        if (!path.StartsWith('/') || path.Split('/').Any(part => part is "." or ".."))
            throw new ArgumentException($"{path}: an archive path is absolute and has no . or .. in it", nameof(path));
        string name = path.Length == 1 ? "." : path[1..];
        WriteHeader(name, mode, ++_inode, content.Length, major, minor, (mode & 0xF000) == TypeDirectory ? 2 : 1);
        Write(content);
        Pad(4);
    }

    private void WriteHeader(string name, int mode, uint inode, int size, uint major, uint minor, int links)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Span<uint> fields = [inode, (uint)mode, 0, 0, (uint)links, inode == 0 ? 0 : _time, (uint)size, 0, 0, major, minor, (uint)bytes.Length + 1, 0];
        StringBuilder header = new("070701", 110);
        foreach (uint field in fields)
            header.Append(field.ToString("x8", CultureInfo.InvariantCulture));
        Write(Encoding.ASCII.GetBytes(header.ToString()));
        Write(bytes);
        Write([0]);
        Pad(4);
    }

    private void Pad(int alignment)
    {
        int missing = (int)((alignment - (_position % alignment)) % alignment);
        Write(new byte[missing]);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        _position += bytes.Length;
    }
}
