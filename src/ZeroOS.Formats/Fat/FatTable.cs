namespace ZeroOS.Formats.Fat;

/// <summary>
/// The file allocation table, in memory as the volume has it; changes go to every copy with <see cref="Write"/>, only the sectors they touch. Nothing here
/// flushes: the order of writes is <see cref="FatVolume"/>'s.
/// </summary>
internal sealed class FatTable
{
    // A table of 16 MiB is that of a volume of 2 GiB with the smallest clusters: no boot medium needs more.
    private const uint MaxClusters = 4 << 20;

    private readonly IVolumeMedium _medium;
    private readonly FatGeometry _geometry;
    private readonly byte[] _bytes;
    private readonly SortedSet<int> _touched = [];

    private FatTable(IVolumeMedium medium, FatGeometry geometry, byte[] bytes) => (_medium, _geometry, _bytes) = (medium, geometry, bytes);

    /// <summary>
    /// Reads the first copy. Sectors in which another copy differs (a cut in the middle of a change) count as changed, so that the next <see cref="Write"/>
    /// levels them.
    /// </summary>
    /// <exception cref="FatException">It is larger than any boot medium's.</exception>
    public static FatTable Read(IVolumeMedium medium, FatGeometry geometry)
    {
        if (geometry.Clusters > MaxClusters)
            throw new FatException($"it has {geometry.Clusters} clusters; a boot medium has at most {MaxClusters}");
        long used = ((geometry.EndCluster * (long)FatTableEntry.Bytes) + geometry.SectorBytes - 1) / geometry.SectorBytes * geometry.SectorBytes;
        byte[] first = new byte[used];
        medium.Read(geometry.TableOffset(0), first);
        FatTable table = new(medium, geometry, first);
        byte[] other = new byte[used];
        for (int copy = 1; copy < geometry.FatCount; copy++)
        {
            medium.Read(geometry.TableOffset(copy), other);
            for (int at = 0; at < first.Length; at += geometry.SectorBytes)
            {
                if (!first.AsSpan(at, geometry.SectorBytes).SequenceEqual(other.AsSpan(at, geometry.SectorBytes)))
                    table._touched.Add(at / geometry.SectorBytes);
            }
        }
        return table;
    }

    /// <summary>Clusters that nothing can be stored in.</summary>
    public bool IsBad(uint cluster) => Value(cluster) == FatTableEntry.Bad;

    /// <summary>Clusters that belong to nobody by the table's word.</summary>
    public bool IsFree(uint cluster) => Value(cluster) == FatTableEntry.Free;

    /// <summary>The clusters of a chain in order.</summary>
    /// <exception cref="FatException">It leaves the volume, runs in a circle, or ends in a cluster that is free.</exception>
    public IReadOnlyList<uint> Chain(uint first)
    {
        List<uint> chain = [];
        for (uint cluster = first; ; cluster = Value(cluster))
        {
            if (cluster >= FatTableEntry.EndOfChain && chain.Count > 0)
                return chain;
            if (!_geometry.Holds(cluster) || chain.Count > _geometry.Clusters)
                throw new FatException("the file system is damaged: a file's clusters lead nowhere");
            chain.Add(cluster);
        }
    }

    /// <summary>Links clusters in this order, the last one to nothing.</summary>
    public void Link(IReadOnlyList<uint> chain)
    {
        for (int i = 0; i < chain.Count; i++)
            Set(chain[i], i + 1 < chain.Count ? chain[i + 1] : FatTableEntry.Last);
    }

    /// <summary>Gives a cluster back.</summary>
    public void Free(uint cluster) => Set(cluster, FatTableEntry.Free);

    /// <summary>Sends every changed sector to every copy.</summary>
    public void Write()
    {
        foreach (int sector in _touched)
        {
            ReadOnlySpan<byte> bytes = _bytes.AsSpan(sector * _geometry.SectorBytes, _geometry.SectorBytes);
            for (int copy = 0; copy < _geometry.FatCount; copy++)
                _medium.Write(_geometry.TableOffset(copy) + ((long)sector * _geometry.SectorBytes), bytes);
        }
        _touched.Clear();
    }

    private uint Value(uint cluster) => FatTableEntry.Read(Entry(cluster));

    private Span<byte> Entry(uint cluster) => _bytes.AsSpan((int)cluster * FatTableEntry.Bytes, FatTableEntry.Bytes);

    private void Set(uint cluster, uint value)
    {
        if (Value(cluster) == value)
            return;
        FatTableEntry.Write(Entry(cluster), value);
        _touched.Add((int)(cluster * (long)FatTableEntry.Bytes / _geometry.SectorBytes));
    }
}
