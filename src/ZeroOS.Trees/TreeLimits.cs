namespace ZeroOS.Trees;

/// <summary>What one copy holds at most. A path is bounded by <see cref="Formats.Tar.TarPath.MaxPathBytes"/>, and so is the depth.</summary>
public static class TreeLimits
{
    /// <summary>Files, directories and links.</summary>
    public const int Entries = 1_000_000;

    /// <summary>Bytes of memory for names: those of the directory that is read, of directories that wait, of directories that are new.</summary>
    public const long NameBytes = 16 << 20;

    /// <summary>Length of one file, with its holes.</summary>
    public const long FileBytes = 1L << 44;

    /// <summary>Sentences about what was left out; a last one says how many there would have been.</summary>
    public const int Notes = 20;
}
