namespace ZeroOS.Oci.Layout;

/// <summary>How an archive is stored. The bytes decide: Docker's archives often say gzip and are plain.</summary>
internal enum LayerCompression
{
    None,
    Gzip,
    Zstd,

    /// <summary>Recognised only: image tools do not write it.</summary>
    Xz,

    /// <summary>Recognised only: image tools do not write it.</summary>
    Bzip2,
}
