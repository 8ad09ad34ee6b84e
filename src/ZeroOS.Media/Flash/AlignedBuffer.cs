using ZeroOS.Linux;

namespace ZeroOS.Media.Flash;

/// <summary>Memory that begins on a page, as reads and writes around the page cache want it (open(2), O_DIRECT).</summary>
internal sealed unsafe class AlignedBuffer(int sizeBytes) : IDisposable
{
    private readonly MemoryMapping _memory = MemoryMapping.Anonymous(sizeBytes);

    /// <summary>All of it; valid until disposed.</summary>
    // SAFETY: the mapping has exactly sizeBytes bytes and lives as long as this object, which the caller holds while it uses the span.
    public Span<byte> Span => new(_memory.Pointer, sizeBytes);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
