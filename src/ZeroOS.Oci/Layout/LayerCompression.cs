namespace ZeroOS.Oci.Layout;

/// <summary>How a layer's archive is stored. The bytes decide: Docker's archives often say gzip and are plain.</summary>
internal enum LayerCompression
{
    None,
    Gzip,
    Zstd,

    /// <summary>xz or bzip2, which image tools do not write.</summary>
    Unsupported,
}
