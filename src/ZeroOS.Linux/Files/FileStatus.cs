namespace ZeroOS.Linux;

/// <summary>What stat(2) says about one name; a symbolic link is described itself.</summary>
public readonly record struct FileStatus
{
    /// <summary>Type and permission bits.</summary>
    public ushort Mode { get; init; }

    /// <summary>What kind of thing it is.</summary>
    public EntryKind Kind => (EntryKind)(Mode & 0xF000);

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>How many names the file has.</summary>
    public ulong Links { get; init; }

    public ulong Inode { get; init; }

    /// <summary>The file system it is on.</summary>
    public ulong FileSystem { get; init; }

    /// <summary>The device a device file stands for.</summary>
    public (uint Major, uint Minor) Device { get; init; }

    /// <summary>Length in bytes.</summary>
    public long Size { get; init; }

    public long MtimeSeconds { get; init; }

    public uint MtimeNanoseconds { get; init; }
}
