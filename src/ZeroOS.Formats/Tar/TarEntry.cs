namespace ZeroOS.Formats.Tar;

/// <summary>
/// One entry of an archive with every extension applied. Names are bytes in Linux, not text: they are held as strings whose characters are
/// those bytes (Latin-1), so that ordinal order is byte order and nothing is lost.
/// </summary>
public sealed class TarEntry
{
    public required TarEntryType Type { get; init; }

    /// <summary>The path inside the image: no leading slash, no `.` or `..`, empty for the root itself.</summary>
    public required string Path { get; init; }

    /// <summary>The text of a symbolic link as stored, or the normalised path a hard link names; empty otherwise.</summary>
    public string LinkTarget { get; init; } = "";

    /// <summary>Permission bits with set-id and sticky, without the file type.</summary>
    public int Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>Seconds since 1970, possibly negative; <see cref="MtimeNanoseconds"/> always counts forward from it.</summary>
    public long MtimeSeconds { get; init; }

    public uint MtimeNanoseconds { get; init; }

    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Length in bytes as the file will have it: with the holes of a sparse file.</summary>
    public long Size { get; init; }

    /// <summary>Extended attributes, full name to value.</summary>
    public IReadOnlyDictionary<string, byte[]> Xattrs { get; init; } = new Dictionary<string, byte[]>();
}
