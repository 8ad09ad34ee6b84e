namespace ZeroOS.Formats.Tar;

/// <summary>Where the stored bytes of a sparse file belong: runs in rising order inside the file's real length.</summary>
internal sealed class SparseMap
{
    /// <summary>Runs one file may have; GNU tar writes one per hole, and nothing real comes near.</summary>
    internal const int MaxRuns = 1 << 20;

    private readonly List<(long Offset, long Length)> _runs = [];
    private long _end;

    internal IReadOnlyList<(long Offset, long Length)> Runs => _runs;

    /// <summary>Bytes that are stored in the archive.</summary>
    internal long StoredBytes { get; private set; }

    /// <exception cref="TarException">The run overlaps the one before, overflows or is one too many.</exception>
    internal void Add(long offset, long length)
    {
        if (offset < _end || length < 0 || offset > long.MaxValue - length || _runs.Count == MaxRuns)
            throw new TarException("a sparse file whose map is out of order");
        _end = offset + length;
        if (length == 0)
            return; // The closing run that only says where the file ends.
        _runs.Add((offset, length));
        StoredBytes += length;
    }

    /// <exception cref="TarException">The map does not fit the real length, or names other than the stored bytes.</exception>
    internal void Check(long realSize, long storedSize)
    {
        if (realSize < 0 || _end > realSize || StoredBytes != storedSize)
            throw new TarException("a sparse file whose map does not match its size");
    }

    /// <summary>Adds up to <paramref name="count"/> offset and length pairs of 12 bytes each, as GNU's old headers hold them.</summary>
    internal void AddGnu(ReadOnlySpan<byte> pairs, int count)
    {
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> pair = pairs.Slice(i * 24, 24);
            if (pair[0] == 0 && pair[12] == 0)
                return;
            Add(TarHeader.Number(pair[..12], "sparse offset"), TarHeader.Number(pair[12..], "sparse length"));
        }
    }
}
