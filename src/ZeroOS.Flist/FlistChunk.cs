namespace ZeroOS.Flist;

/// <summary>One record of the index: a range of the device, where its bytes are stored and what they hash to (docs/flist.md, "Index").</summary>
public readonly record struct FlistChunk
{
    /// <summary>Where in the device it begins, in bytes; a multiple of 4096.</summary>
    public required long DeviceOffset { get; init; }

    /// <summary>Bytes of the device it covers; a multiple of 4096, at most 4 MiB.</summary>
    public required int Length { get; init; }

    /// <summary>Which data blob holds it, counted from 0.</summary>
    public required int Blob { get; init; }

    /// <summary>How it is stored.</summary>
    public required ChunkCodec Codec { get; init; }

    /// <summary>The guest reads it before the workload runs.</summary>
    public bool NeededAtStart { get; init; }

    /// <summary>Where in the blob it begins, in bytes.</summary>
    public required long BlobOffset { get; init; }

    /// <summary>Bytes it takes in the blob: <see cref="Length"/> when raw, less or equal when compressed.</summary>
    public required int StoredLength { get; init; }

    /// <summary>Of the stored bytes; checked before zstd sees them.</summary>
    public required Sha256Digest StoredDigest { get; init; }

    /// <summary>Of the plain bytes; equal to <see cref="StoredDigest"/> when raw.</summary>
    public required Sha256Digest PlainDigest { get; init; }

    /// <summary>The device offset after its last byte.</summary>
    public long DeviceEnd => DeviceOffset + Length;
}
