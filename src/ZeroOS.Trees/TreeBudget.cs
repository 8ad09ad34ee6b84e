using ZeroOS.Formats.Tar;

namespace ZeroOS.Trees;

/// <summary>What one copy has used of <see cref="TreeLimits"/>.</summary>
internal sealed class TreeBudget(int entries = TreeLimits.Entries, long nameBytes = TreeLimits.NameBytes)
{
    private long _names;

    /// <summary>Entries so far.</summary>
    internal int Entries { get; private set; }

    /// <summary>Bytes of memory that names may still take.</summary>
    internal long Left => nameBytes - _names;

    /// <summary>One entry more.</summary>
    /// <exception cref="TreeException">It is one too many.</exception>
    internal void Count(string path)
    {
        if (++Entries > entries)
            throw new TreeException($"more than {entries} entries: {TarPath.Printable(path)} is one too many", isLimit: true);
    }

    /// <summary>Names take so many bytes more.</summary>
    /// <exception cref="TreeException">There are too many.</exception>
    internal void Take(long bytes, string path)
    {
        if (bytes > Left)
            throw new TreeException($"the names at {TarPath.Printable(path)} take more than the {nameBytes >> 10} KiB that a copy has", isLimit: true);
        _names += bytes;
    }

    /// <summary>They take so many bytes less.</summary>
    internal void GiveBack(long bytes) => _names -= bytes;
}
