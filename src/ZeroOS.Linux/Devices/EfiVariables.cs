using System.Buffers.Binary;

namespace ZeroOS.Linux;

/// <summary>
/// Variables of the UEFI firmware through efivarfs (Documentation/filesystems/efivarfs.rst): four bytes of attributes, then the value, in one write. Boot####
/// and BootNext are among those the kernel lets be replaced and deleted; others are immutable until somebody with CAP_LINUX_IMMUTABLE says otherwise, and
/// nothing here does.
/// </summary>
public sealed class EfiVariables
{
    /// <summary>Where the kernel shows them.</summary>
    public const string DefaultDirectory = "/sys/firmware/efi/efivars";

    /// <summary>The vendor of Boot####, BootNext and BootOrder (UEFI 2.10, 3.3).</summary>
    public static readonly Guid Global = new("8be4df61-93ca-11d2-aa0d-00e098032b8c");

    /// <summary>The vendor of what boot loaders and systemd's stub say (the Boot Loader Interface).</summary>
    public static readonly Guid Loader = new("4a67b082-0a4c-41cf-b6c7-440b29bb8c4f");

    /// <summary>Kept over a reset; seen before and after the firmware hands over.</summary>
    public const uint NonVolatile = 1, BootServices = 2, Runtime = 4;

    private const int MaxBytes = 64 << 10;
    private readonly string _directory;
    private readonly Func<MountFlags, Errno> _remount;

    /// <summary>The firmware's.</summary>
    public EfiVariables() : this(DefaultDirectory, flags => Mounts.TryMount("", DefaultDirectory, "", flags))
    {
    }

    /// <summary>Those in a directory; <paramref name="remount"/> makes it writable and not.</summary>
    public EfiVariables(string directory, Func<MountFlags, Errno> remount) => (_directory, _remount) = (directory, remount);

    /// <summary>Whether this computer was booted by UEFI firmware that keeps variables at run time.</summary>
    public bool Present => Directory.Exists(_directory) && Directory.EnumerateFiles(_directory).Any();

    /// <summary>Names of a vendor's variables.</summary>
    public IReadOnlyList<string> Names(Guid vendor)
    {
        string suffix = "-" + vendor.ToString("D");
        return Present ? [.. Directory.EnumerateFiles(_directory).Select(f => Path.GetFileName(f))
            .Where(n => n.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)).Select(n => n[..^suffix.Length])] : [];
    }

    /// <summary>A variable's value, at most 64 KiB; null when it is not there or cannot be read.</summary>
    public byte[]? Read(string name, Guid vendor)
    {
        using FileDescriptor? file = FileDescriptor.TryOpen(PathOf(name, vendor), OpenFlags.ReadOnly, 0, out _);
        byte[] buffer = new byte[MaxBytes];
        return file is not null && file.TryRead(buffer, out int read) == Errno.None && read >= sizeof(uint) ? buffer[sizeof(uint)..read] : null;
    }

    /// <summary>Makes or replaces a variable. Call inside <see cref="Writable"/>.</summary>
    /// <exception cref="LinuxException">The kernel or the firmware refuses: no room, read-only, an error of its own.</exception>
    public void Write(string name, Guid vendor, uint attributes, ReadOnlySpan<byte> value)
    {
        byte[] bytes = new byte[sizeof(uint) + value.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, attributes);
        value.CopyTo(bytes.AsSpan(sizeof(uint)));
        using FileDescriptor file = FileDescriptor.Open(PathOf(name, vendor), OpenFlags.WriteOnly | OpenFlags.Create, Mode.ReadableByAll);
        if (file.TryWrite(bytes, out int written) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "write the firmware variable", name);
        if (written != bytes.Length)
            throw new LinuxException(Errno.EIO, "write the firmware variable", name);
    }

    /// <summary>Deletes a variable; one that is not there is not an error. Call inside <see cref="Writable"/>.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void Delete(string name, Guid vendor) => File.Delete(PathOf(name, vendor));

    /// <summary>The file system is writable until the result is disposed of; the rest of the time nothing of ours can change a variable.</summary>
    /// <exception cref="LinuxException">The firmware keeps its variables to itself at run time.</exception>
    public IDisposable Writable()
    {
        const MountFlags Quiet = MountFlags.Remount | MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec;
        if (_remount(Quiet) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "make writable", _directory);
        return new Closing(() => _remount(Quiet | MountFlags.ReadOnly));
    }

    private string PathOf(string name, Guid vendor) => Path.Combine(_directory, $"{name}-{vendor:D}");

    private sealed class Closing(Func<Errno> close) : IDisposable
    {
        public void Dispose() => _ = close();
    }
}
