namespace ZeroOS.Images.Store;

/// <summary>What became of a request to wait for a chunk.</summary>
internal enum ChunkWait
{
    /// <summary>The chunk can be read now; nobody is told later.</summary>
    Ready,

    /// <summary>The waiter is told once when the chunk can be read.</summary>
    Waits,

    /// <summary>The waiter waits for this chunk already.</summary>
    WaitsAlready,
}
