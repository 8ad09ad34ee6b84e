namespace ZeroOS.Flist;

/// <summary>How a chunk is stored in its blob (docs/flist.md, "Index").</summary>
public enum ChunkCodec : byte
{
    /// <summary>As it is.</summary>
    Raw = 0,

    /// <summary>One zstd frame that declares its content size.</summary>
    Zstd = 1,
}
