namespace ZeroOS.Images.Store;

/// <summary>
/// Chunks to get together. <paramref name="Chunks"/>: the one it is about first, at most <see cref="ChunkQueue.MaxBatch"/>. <paramref name="Waiters"/>: some
/// of those who wait for that one.
/// </summary>
internal sealed record ChunkBatch(IReadOnlyList<int> Chunks, IReadOnlyList<IChunkWaiter> Waiters);
