namespace ZeroOS.Formats.Fat;

/// <summary>Where things are in a FAT32 volume (Microsoft's FAT specification 1.03; ECMA-107 for the rest).</summary>
/// <param name="Sectors">Size of the volume.</param>
/// <param name="ClusterSectors">Sectors of a cluster, a power of two up to 128.</param>
/// <param name="ReservedSectors">Sectors before the first table.</param>
/// <param name="FatCount">Copies of the table, 1 or 2.</param>
/// <param name="FatSectors">Sectors of one copy.</param>
/// <param name="HiddenSectors">Sectors of the disk before the volume, for boot loaders.</param>
/// <param name="RootCluster">First cluster of the root directory.</param>
public sealed record FatGeometry(long Sectors, int ClusterSectors, int ReservedSectors, int FatCount, long FatSectors, long HiddenSectors, uint RootCluster)
{
    /// <summary>Clusters are numbered from here.</summary>
    public const uint FirstCluster = 2;

    /// <summary>A new volume with fewer clusters is not FAT32, whatever it says of itself.</summary>
    public const int MinClusters = 65_525;

    private const uint MaxClusters = 0x0FFF_FFF5;

    /// <summary>Bytes of a sector: 512, 1024, 2048 or 4096.</summary>
    public int SectorBytes { get; init; } = 512;

    /// <summary>The FSInfo sector; 0: there is none.</summary>
    public int InfoSector { get; init; } = FatBootSector.Info;

    /// <summary>Bytes of a cluster.</summary>
    public int ClusterBytes => ClusterSectors * SectorBytes;

    /// <summary>The sector of cluster 2, the first there is.</summary>
    public long FirstDataSector => ReservedSectors + (FatCount * FatSectors);

    /// <summary>How many clusters there are; their numbers start at <see cref="FirstCluster"/>.</summary>
    public uint Clusters => (uint)Math.Clamp((Sectors - FirstDataSector) / ClusterSectors, 0, MaxClusters);

    /// <summary>One more than the highest cluster number.</summary>
    public uint EndCluster => FirstCluster + Clusters;

    /// <summary>The layout of a new volume: as mkfs.fat makes it, with 32 reserved sectors, two tables, and data that begins on a cluster's boundary.</summary>
    /// <exception cref="ArgumentException">Too small or too large for FAT32 with such clusters.</exception>
    public static FatGeometry Plan(long sizeBytes, int clusterSectors, long hiddenSectors)
    {
        const int SectorBytes = 512, Reserved = 32, Copies = 2;
        long sectors = sizeBytes / SectorBytes;
        if (clusterSectors is < 1 or > 128 || (clusterSectors & (clusterSectors - 1)) != 0 || sectors is < Reserved or > uint.MaxValue)
            throw new ArgumentException($"no FAT32 volume has {sizeBytes} bytes in clusters of {clusterSectors} sectors");
        // Every cluster costs its own sectors and an entry in each table.
        long tables = ((((sectors - Reserved) / clusterSectors) + FirstCluster) * FatTableEntry.Bytes + SectorBytes - 1) / SectorBytes;
        tables = (tables + clusterSectors - 1) / clusterSectors * clusterSectors;
        FatGeometry geometry = new(sectors, clusterSectors, Reserved, Copies, tables, hiddenSectors, FirstCluster);
        return geometry.Clusters >= MinClusters ? geometry
            : throw new ArgumentException(
                $"a volume of {sizeBytes} bytes in clusters of {geometry.ClusterBytes} has {geometry.Clusters} of them; FAT32 begins at {MinClusters}");
    }

    /// <summary>Whether there is a cluster of that number.</summary>
    public bool Holds(uint cluster) => cluster >= FirstCluster && cluster - FirstCluster < Clusters;

    /// <summary>Where a cluster's bytes are, in bytes from the volume's beginning.</summary>
    public long OffsetOf(uint cluster) => (FirstDataSector + (((long)cluster - FirstCluster) * ClusterSectors)) * SectorBytes;

    /// <summary>Where a copy of the table is, counted from 0, in bytes from the volume's beginning.</summary>
    public long TableOffset(int copy) => (ReservedSectors + (copy * FatSectors)) * SectorBytes;

    /// <summary>Clusters that so many bytes take.</summary>
    public uint ClustersFor(long bytes) => (uint)((bytes + ClusterBytes - 1) / ClusterBytes);
}
