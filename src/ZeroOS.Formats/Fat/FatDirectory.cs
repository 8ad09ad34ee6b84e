namespace ZeroOS.Formats.Fat;

/// <summary>A directory's clusters as they are on the volume now: its entries, and the places of 32 bytes in which more may go.</summary>
internal sealed class FatDirectory
{
    private const int MaxBytes = 65536 * FatDirectoryEntry.Bytes; // no directory is larger (section 6)
    private readonly List<(long Offset, byte First)> _slots = [];

    private FatDirectory(uint cluster, IReadOnlyList<PlacedEntry> entries, List<(long, byte)> slots) =>
        (FirstCluster, Entries, _slots) = (cluster, entries, slots);

    /// <summary>Its first cluster.</summary>
    public uint FirstCluster { get; }

    /// <summary>What is in it, without itself, its parent and the volume's label.</summary>
    public IReadOnlyList<PlacedEntry> Entries { get; }

    /// <summary>The entry of that name, or null.</summary>
    public PlacedEntry? Find(string name) => Entries.FirstOrDefault(e => e.IsCalled(name));

    /// <summary>New entries for a name that is not there, all but what it leads to (<see cref="FatName.Entries"/>).</summary>
    public byte[] EntriesFor(string name) => FatName.Entries(name, Entries.Select(e => e.ShortName).ToHashSet(StringComparer.OrdinalIgnoreCase));

    /// <summary>Reads the directory that begins at a cluster.</summary>
    /// <exception cref="FatException">Its clusters lead nowhere, or there are more than a directory can have.</exception>
    public static FatDirectory Read(IVolumeMedium medium, FatGeometry geometry, FatTable table, uint cluster)
    {
        IReadOnlyList<uint> chain = table.Chain(cluster);
        if ((long)chain.Count * geometry.ClusterBytes > MaxBytes + geometry.ClusterBytes)
            throw new FatException("the file system is damaged: a directory is larger than one can be");
        List<PlacedEntry> entries = [];
        List<(long Offset, byte)> slots = [];
        List<int> orphans = [];
        byte[] bytes = new byte[geometry.ClusterBytes];
        FatLongName longName = new();
        bool ended = false;
        foreach (uint part in chain)
        {
            medium.Read(geometry.OffsetOf(part), bytes);
            for (int at = 0; at < bytes.Length; at += FatDirectoryEntry.Bytes)
            {
                Span<byte> slot = bytes.AsSpan(at, FatDirectoryEntry.Bytes);
                long offset = geometry.OffsetOf(part) + at;
                ended |= slot[0] == FatDirectoryEntry.End;
                slots.Add((offset, ended ? FatDirectoryEntry.End : slot[0]));
                if (ended)
                    continue;
                // No other short name begins with a dot (section 6.1): a damaged one leads to the folder itself or its parent, and is no reason to refuse an
                // update.
                if (longName.Take(slot) is { } name && slot[0] != '.')
                    entries.Add(PlacedEntry.Of(name, slot, offset));
                orphans.RemoveRange(orphans.Count - longName.Parts, longName.Parts);
                if (FatDirectoryEntry.IsLongName(slot))
                    orphans.Add(slots.Count - 1);
            }
        }
        // Parts of a long name that a cut left without their entry: their places are free.
        foreach (int orphan in orphans)
            slots[orphan] = (slots[orphan].Offset, FatDirectoryEntry.Deleted);
        return new FatDirectory(cluster, entries, slots);
    }

    /// <summary>
    /// Places for so many entries one behind the other, or null when the directory must grow; <paramref name="endAfter"/> is the place behind them if that has
    /// to say that nothing follows.
    /// </summary>
    public long[]? Room(int count, out long? endAfter)
    {
        endAfter = null;
        for (int start = 0; start + count <= _slots.Count; start++)
        {
            int free = 0;
            while (free < count && _slots[start + free].First is FatDirectoryEntry.End or FatDirectoryEntry.Deleted)
                free++;
            if (free < count)
                continue;
            // Behind the end of a directory may be anything; it must not come to life when the end moves.
            if (_slots[start + count - 1].First == FatDirectoryEntry.End && start + count < _slots.Count)
                endAfter = _slots[start + count].Offset;
            return [.. _slots.GetRange(start, count).Select(s => s.Offset)];
        }
        return null;
    }
}
