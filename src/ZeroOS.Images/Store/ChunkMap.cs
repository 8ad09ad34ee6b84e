namespace ZeroOS.Images.Store;

/// <summary>
/// One bit for each chunk of an image: bit n of byte n/8. What is kept of a chunk is kept like this, because an image decides how many chunks it has.
/// </summary>
internal sealed class ChunkMap(int chunks)
{
    private readonly byte[] _bits = new byte[(chunks + 7) / 8];

    /// <summary>How many chunks it speaks of.</summary>
    public int Count { get; } = chunks;

    /// <summary>The bits.</summary>
    public Span<byte> Bytes => _bits;

    /// <summary>The bit of one chunk.</summary>
    public bool this[int chunk]
    {
        get => (_bits[chunk >> 3] & (1 << (chunk & 7))) != 0;
        set => _bits[chunk >> 3] = (byte)(value ? _bits[chunk >> 3] | (1 << (chunk & 7)) : _bits[chunk >> 3] & ~(1 << (chunk & 7)));
    }

    /// <summary>Clears every bit.</summary>
    public void Clear() => _bits.AsSpan().Clear();
}
