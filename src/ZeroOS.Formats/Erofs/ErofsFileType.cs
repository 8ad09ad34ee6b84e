namespace ZeroOS.Formats.Erofs;

/// <summary>The file type bits of a mode, as stat(2) has them.</summary>
public static class ErofsFileType
{
    public const ushort Mask = 0xF000;
    public const ushort Fifo = 0x1000;
    public const ushort CharacterDevice = 0x2000;
    public const ushort Directory = 0x4000;
    public const ushort BlockDevice = 0x6000;
    public const ushort Regular = 0x8000;
    public const ushort SymbolicLink = 0xA000;
    public const ushort Socket = 0xC000;

    /// <summary>The number a directory entry carries for the type of <paramref name="mode"/>.</summary>
    internal static byte DirectoryEntryType(ushort mode) => (mode & Mask) switch
    {
        Regular => 1,
        Directory => 2,
        CharacterDevice => 3,
        BlockDevice => 4,
        Fifo => 5,
        Socket => 6,
        SymbolicLink => 7,
        _ => throw new ErofsException($"mode {mode:x} is no file type"),
    };
}
