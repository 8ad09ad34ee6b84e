using ZeroOS.Flist;
using ZeroOS.Linux;

namespace ZeroOS.Host.Images;

/// <summary>
/// An index in memory that is neither the collector's (whose heap is bounded and small in the node) nor a file's (which a disk can change after it was
/// verified). Closed when nobody reads the image any more.
/// </summary>
internal sealed unsafe class ResidentIndex : IDisposable
{
    private readonly MemoryMapping _memory;

    private ResidentIndex(MemoryMapping memory, FlistIndex index) => (_memory, Index) = (memory, index);

    /// <summary>The index.</summary>
    public FlistIndex Index { get; }

    /// <summary>Copies an index whose digest was verified, and opens it.</summary>
    /// <exception cref="FlistFormatException">What is wrong with it.</exception>
    public static ResidentIndex Open(ReadOnlySpan<byte> bytes)
    {
        MemoryMapping memory = MemoryMapping.Anonymous(Math.Max(bytes.Length, 1));
        // SAFETY: the mapping has room for the bytes, and it lives as long as this object, which the image keeps.
        bytes.CopyTo(new Span<byte>(memory.Pointer, bytes.Length));
        if (FlistIndex.TryOpen(memory.Pointer, bytes.Length, out FlistIndex? index, out string? error))
            return new ResidentIndex(memory, index);
        memory.Dispose();
        throw new FlistFormatException(error);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
