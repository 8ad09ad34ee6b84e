using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace ZeroOS.Flist;

/// <summary>
/// A flist's index, read in place: from memory or from a mapping that outlives this object. Everything is checked once when it is opened; lookups
/// after that allocate nothing and cannot fail. The parser accepts exactly what docs/flist.md, "Index", says.
/// </summary>
public sealed unsafe class FlistIndex
{
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly byte* _mapping;
    private readonly int _length;
    private readonly int _records;

    private FlistIndex(ReadOnlyMemory<byte> memory, byte* mapping, int length)
    {
        _memory = memory;
        _mapping = mapping;
        _length = length;
        ReadOnlySpan<byte> header = Bytes;
        DeviceSize = BinaryPrimitives.ReadInt64LittleEndian(header[16..]);
        ChunkCount = BinaryPrimitives.ReadInt32LittleEndian(header[28..]);
        BlobCount = BinaryPrimitives.ReadInt32LittleEndian(header[32..]);
        _records = FlistFormat.HeaderSize + (BlobCount * Sha256Digest.Size);
    }

    /// <summary>Bytes of the device; a multiple of 4096.</summary>
    public long DeviceSize { get; }

    /// <summary>How many chunks there are; they are numbered from 0 in the order of the device.</summary>
    public int ChunkCount { get; }

    /// <summary>How many data blobs there are.</summary>
    public int BlobCount { get; }

    /// <summary>The chunk with this number.</summary>
    public FlistChunk this[int chunk]
    {
        get
        {
            ReadOnlySpan<byte> r = Record(chunk);
            return new FlistChunk
            {
                DeviceOffset = BinaryPrimitives.ReadInt64LittleEndian(r),
                Length = BinaryPrimitives.ReadInt32LittleEndian(r[8..]),
                Blob = BinaryPrimitives.ReadUInt16LittleEndian(r[12..]),
                Codec = (ChunkCodec)r[14],
                NeededAtStart = (r[15] & FlistFormat.FlagNeededAtStart) != 0,
                BlobOffset = BinaryPrimitives.ReadInt64LittleEndian(r[16..]),
                StoredLength = BinaryPrimitives.ReadInt32LittleEndian(r[24..]),
                StoredDigest = new Sha256Digest(r[32..]),
                PlainDigest = new Sha256Digest(r[64..]),
            };
        }
    }

    /// <summary>Opens an index in memory, or says in <paramref name="error"/> what is wrong with it.</summary>
    public static bool TryOpen(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out FlistIndex? index, [NotNullWhen(false)] out string? error)
    {
        error = Fault(bytes.Span);
        index = error is null ? new FlistIndex(bytes, null, bytes.Length) : null;
        return error is null;
    }

    /// <summary>
    /// Opens an index in a mapping. The caller keeps the mapping for as long as the index is used, and maps a file that nobody changes: what was
    /// checked here is not checked again.
    /// </summary>
    public static bool TryOpen(byte* mapping, int length, [NotNullWhen(true)] out FlistIndex? index, [NotNullWhen(false)] out string? error)
    {
        // SAFETY: the caller promises length readable bytes at mapping for the life of the index.
        error = Fault(new ReadOnlySpan<byte>(mapping, length));
        index = error is null ? new FlistIndex(default, mapping, length) : null;
        return error is null;
    }

    /// <summary>As TryOpen of memory.</summary>
    /// <exception cref="FlistFormatException">What is wrong with the index.</exception>
    public static FlistIndex Open(ReadOnlyMemory<byte> bytes) =>
        TryOpen(bytes, out FlistIndex? index, out string? error) ? index : throw new FlistFormatException(error);

    /// <summary>The digest of a data blob.</summary>
    public Sha256Digest BlobDigest(int blob)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)blob, (uint)BlobCount);
        return new Sha256Digest(Bytes[(FlistFormat.HeaderSize + (blob * Sha256Digest.Size))..]);
    }

    /// <summary>
    /// The chunk that holds <paramref name="deviceOffset"/>. Negative: none does, those bytes read as zeros, and its complement (~) is the number of
    /// the first chunk after them (<see cref="ChunkCount"/> when there is none).
    /// </summary>
    public int FindChunk(long deviceOffset)
    {
        int low = 0, high = ChunkCount - 1;
        while (low <= high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            (long begin, int length) = Range(middle);
            if (deviceOffset < begin)
                high = middle - 1;
            else if (deviceOffset - begin >= length)
                low = middle + 1;
            else
                return middle;
        }
        return ~low;
    }

    /// <summary>Where a chunk lies in the device; cheaper than the whole record.</summary>
    public (long DeviceOffset, int Length) Range(int chunk)
    {
        ReadOnlySpan<byte> r = Record(chunk);
        return (BinaryPrimitives.ReadInt64LittleEndian(r), BinaryPrimitives.ReadInt32LittleEndian(r[8..]));
    }

    // SAFETY: the mapping is readable for _length bytes by TryOpen's contract; memory is bounds-checked by its span.
    private ReadOnlySpan<byte> Bytes => _mapping != null ? new ReadOnlySpan<byte>(_mapping, _length) : _memory.Span;

    private ReadOnlySpan<byte> Record(int chunk)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)chunk, (uint)ChunkCount);
        return Bytes.Slice(_records + (chunk * FlistFormat.RecordSize), FlistFormat.RecordSize);
    }

    private static string? Fault(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is < FlistFormat.HeaderSize or > FlistFormat.MaxIndexBytes)
            return $"the index has {bytes.Length} bytes; 64 to {FlistFormat.MaxIndexBytes} are allowed";
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes) != FlistFormat.IndexMagic)
            return "the index does not begin with ZFLIST1";
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) is var version && version != FlistFormat.IndexVersion)
            return $"the index has version {version}; this program reads version 1";
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) != 0 || bytes[36..FlistFormat.HeaderSize].ContainsAnyExcept((byte)0))
            return "the index header has bits set that version 1 does not know";
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]) != FlistFormat.BlockSize)
            return "the index's block size is not 4096";
        ulong device = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        if (device is 0 or > FlistFormat.MaxDeviceSize || device % FlistFormat.BlockSize != 0)
            return $"the device has {device} bytes; a multiple of 4096 up to 16 TiB is allowed";
        uint chunks = BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]), blobs = BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]);
        if (blobs > FlistFormat.MaxBlobs)
            return $"the index lists {blobs} blobs; at most {FlistFormat.MaxBlobs} are allowed";
        ulong expected = FlistFormat.HeaderSize + ((ulong)blobs * Sha256Digest.Size) + ((ulong)chunks * FlistFormat.RecordSize);
        if ((ulong)bytes.Length != expected)
            return $"the index has {bytes.Length} bytes where its header makes {expected}";

        ulong end = 0, covered = 0;
        ReadOnlySpan<byte> records = bytes[(FlistFormat.HeaderSize + ((int)blobs * Sha256Digest.Size))..];
        for (int i = 0; i < (int)chunks; i++)
        {
            if (RecordFault(records.Slice(i * FlistFormat.RecordSize, FlistFormat.RecordSize), device, blobs, ref end, ref covered) is { } fault)
                return $"chunk {i}: {fault}";
        }
        // What is kept for a chunk is paid for by the bytes it covers.
        return chunks > FlistFormat.FreeChunks && covered < (ulong)chunks * FlistFormat.MinAverageChunk
            ? $"its {chunks} chunks cover {covered} bytes; of more than {FlistFormat.FreeChunks} chunks each must cover {FlistFormat.MinAverageChunk} bytes on "
                + "average"
            : null;
    }

    private static string? RecordFault(ReadOnlySpan<byte> r, ulong device, uint blobs, ref ulong end, ref ulong covered)
    {
        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(r);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(r[8..]);
        if (length is 0 or > FlistFormat.MaxChunkLength || length % FlistFormat.BlockSize != 0 || offset % FlistFormat.BlockSize != 0)
            return "its place is not whole blocks, at most 4 MiB";
        if (offset < end)
            return "it overlaps the chunk before it, or is out of order";
        if (offset > device || length > device - offset)
            return "it lies beyond the device";
        end = offset + length;
        covered += length;
        if (BinaryPrimitives.ReadUInt16LittleEndian(r[12..]) >= blobs)
            return "it names a blob that is not listed";
        if (r[14] > (byte)ChunkCodec.Zstd || (r[15] & ~FlistFormat.FlagNeededAtStart) != 0 || BinaryPrimitives.ReadUInt32LittleEndian(r[28..]) != 0)
            return "it has a codec, flag or padding that version 1 does not know";
        if (BinaryPrimitives.ReadUInt64LittleEndian(r[16..]) > FlistFormat.MaxDeviceSize)
            return "its blob offset is beyond 16 TiB";
        uint stored = BinaryPrimitives.ReadUInt32LittleEndian(r[24..]);
        if (stored == 0 || stored > length)
            return $"it stores {stored} bytes for {length}; compressed is never larger than plain";
        bool raw = r[14] == (byte)ChunkCodec.Raw;
        if (raw && (stored != length || !r[32..64].SequenceEqual(r[64..96])))
            return "it is raw, but its stored and plain bytes differ";
        return null;
    }
}
