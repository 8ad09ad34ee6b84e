using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;

namespace ZeroOS.Oci.Build;

/// <summary>
/// Turns ranges of the device into chunks: zeros become nothing, bytes seen before become a second record of the stored ones, the rest is
/// compressed and appended to the open blob. Ranges come in the order of the device.
/// </summary>
internal sealed class ChunkWriter(OciLayoutWriter output, IProgress<BuildProgress>? progress, long deviceBytes) : IDisposable
{
    /// <summary>Part of the builder's identity: another level makes other bytes.</summary>
    internal const int ZstdLevel = 6;

    private readonly ZstdCompressor _zstd = new(ZstdLevel);
    private readonly byte[] _stored = new byte[ZstdLibrary.CompressBound(FlistFormat.MaxChunkLength)];
    private readonly Dictionary<Sha256Digest, FlistChunk> _seen = [];
    private readonly List<FlistChunk> _chunks = [];
    private readonly List<(Sha256Digest Digest, long Size)> _blobs = [];
    private BlobWriter? _blob;

    internal IReadOnlyList<FlistChunk> Chunks => _chunks;

    internal IReadOnlyList<(Sha256Digest Digest, long Size)> Blobs => _blobs;

    /// <summary>Adds the bytes at <paramref name="deviceOffset"/>; whole blocks, at most 4 MiB.</summary>
    internal void Add(long deviceOffset, ReadOnlySpan<byte> plain, bool neededAtStart)
    {
        progress?.Report(new BuildProgress(BuildPhase.Writing, deviceOffset + plain.Length, deviceBytes));
        if (!plain.ContainsAnyExcept((byte)0))
            return;
        Sha256Digest digest = Sha256Digest.Of(plain);
        if (!_seen.TryGetValue(digest, out FlistChunk chunk))
            _seen[digest] = chunk = Store(plain, digest);
        _chunks.Add(chunk with { DeviceOffset = deviceOffset, NeededAtStart = neededAtStart });
    }

    /// <summary>Ends the open blob, if anything went into it; what follows goes into the next.</summary>
    internal void EndBlob()
    {
        if (_blob is null)
            return;
        using (_blob)
            _blobs.Add((output.Adopt(_blob), _blob.Length));
        _blob = null;
    }

    public void Dispose()
    {
        _blob?.Dispose();
        _zstd.Dispose();
    }

    private FlistChunk Store(ReadOnlySpan<byte> plain, Sha256Digest digest)
    {
        _blob ??= output.NewBlob();
        int size = _zstd.Compress(plain, _stored);
        // Below a sixteenth saved, decompressing costs more than it brings.
        bool raw = size == 0 || size > plain.Length - plain.Length / 16;
        ReadOnlySpan<byte> stored = raw ? plain : _stored.AsSpan(0, size);
        return new FlistChunk
        {
            DeviceOffset = 0,
            Length = plain.Length,
            Blob = _blobs.Count,
            Codec = raw ? ChunkCodec.Raw : ChunkCodec.Zstd,
            BlobOffset = _blob.Append(stored),
            StoredLength = stored.Length,
            StoredDigest = raw ? digest : Sha256Digest.Of(stored),
            PlainDigest = digest,
        };
    }
}
