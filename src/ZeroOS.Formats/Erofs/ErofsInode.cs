namespace ZeroOS.Formats.Erofs;

/// <summary>
/// A file, directory, link or device of the tree to lay out. One object under several names is a hard link. Names and link targets hold one
/// byte a character (Latin-1), so ordinal order is the byte order the format wants.
/// </summary>
public class ErofsInode
{
    /// <summary>Type and permission bits, as in stat(2).</summary>
    public required ushort Mode { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    /// <summary>Seconds since 1970, may be negative.</summary>
    public long MtimeSeconds { get; set; }

    public uint MtimeNanoseconds { get; set; }

    /// <summary>Of a device file only.</summary>
    public uint DeviceMajor { get; set; }

    public uint DeviceMinor { get; set; }

    /// <summary>Length in bytes of a regular file.</summary>
    public long Size { get; set; }

    /// <summary>Of a symbolic link only: 1 to 4095 bytes.</summary>
    public string LinkTarget { get; set; } = "";

    /// <summary>Of a directory only: its names, without `.` and `..`.</summary>
    public Dictionary<string, ErofsInode> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>Encoded attributes; see <see cref="ErofsXattrs"/>.</summary>
    public ErofsXattrs Xattrs { get; set; } = ErofsXattrs.None;

    /// <summary>First block of a regular file's body, given by the caller after <see cref="ErofsLayout.Plan"/>.</summary>
    public uint BodyBlock { get; set; }

    public bool IsDirectory => (Mode & ErofsFileType.Mask) == ErofsFileType.Directory;

    public bool IsRegular => (Mode & ErofsFileType.Mask) == ErofsFileType.Regular;

    public bool IsSymbolicLink => (Mode & ErofsFileType.Mask) == ErofsFileType.SymbolicLink;

    /// <summary>Bytes at the end of a regular file that lie beside its inode: at most 512, and only when attributes leave them room.</summary>
    public int InlineTailBytes
    {
        get
        {
            int tail = (int)(Size % ErofsLayout.BlockSize);
            return IsRegular && tail is > 0 and <= ErofsLayout.MaxInlineTail && ErofsLayout.FitsBlock(Xattrs.Size + tail) ? tail : 0;
        }
    }

    /// <summary>Blocks of a regular file that lie outside its inode.</summary>
    public long BodyBlocks => IsRegular ? (Size - InlineTailBytes + ErofsLayout.BlockSize - 1) / ErofsLayout.BlockSize : 0;

    /// <summary>Names of this inode: of a directory two and one for each child directory. Set by the plan.</summary>
    public uint Links { get; internal set; }

    /// <summary>The inode's position in the metadata in units of 32 bytes. Set by the plan.</summary>
    public ulong Nid { get; internal set; }

    internal uint Number { get; set; }

    internal bool Planned { get; set; }

    /// <summary>Fills in the <see cref="InlineTailBytes"/> last bytes of a regular file; a type that carries file contents overrides it.</summary>
    protected internal virtual void ReadTail(Span<byte> destination) => destination.Clear();
}
