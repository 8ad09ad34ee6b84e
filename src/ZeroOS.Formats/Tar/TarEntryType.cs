namespace ZeroOS.Formats.Tar;

/// <summary>What an entry makes in the tree it is unpacked into (POSIX.1 pax, typeflag).</summary>
public enum TarEntryType
{
    File,
    HardLink,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
}
