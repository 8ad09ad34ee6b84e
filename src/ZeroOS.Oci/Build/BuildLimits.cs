namespace ZeroOS.Oci.Build;

/// <summary>What a build takes at most, so that a hostile image costs bounded memory, disk and time. The numbers are far above real images.</summary>
public sealed record BuildLimits
{
    public static BuildLimits Default { get; } = new();

    public int MaxLayers { get; init; } = 512;

    /// <summary>Entries of all layers together, and directories that entries only name.</summary>
    public int MaxEntries { get; init; } = 4_000_000;

    /// <summary>Bytes of names, link targets and extended attributes of all layers together; they are in memory until the flist is written.</summary>
    public long MaxNameBytes { get; init; } = 1L << 30;

    /// <summary>Bytes of all files together, holes included.</summary>
    public long MaxFileBytes { get; init; } = 128L << 30;

    /// <summary>Uncompressed bytes of one layer's archive.</summary>
    public long MaxLayerBytes { get; init; } = 128L << 30;
}
