using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;

namespace ZeroOS.Oci.Build;

/// <summary>A flist in an OCI layout directory, opened to be looked at or checked: manifest, config and index verified against their digests.</summary>
public sealed class FlistArtifact
{
    private readonly string _blobs;

    private FlistArtifact(string blobs, Sha256Digest digest, byte[] manifestBytes, FlistManifest manifest, byte[] config, FlistIndex index)
    {
        _blobs = blobs;
        Digest = digest;
        ManifestBytes = manifestBytes;
        Manifest = manifest;
        Config = config;
        Index = index;
    }

    public Sha256Digest Digest { get; }

    public byte[] ManifestBytes { get; }

    public FlistManifest Manifest { get; }

    /// <summary>The image's own config, JSON as it came.</summary>
    public byte[] Config { get; }

    public FlistIndex Index { get; }

    /// <summary>Opens the flist of that manifest digest.</summary>
    /// <exception cref="FlistBuildException">It is not there, not a flist, or not what its digests say.</exception>
    public static FlistArtifact Open(string layoutDirectory, string manifestDigest)
    {
        if (!Sha256Digest.TryParse(manifestDigest, out Sha256Digest digest))
            throw new FlistBuildException($"\"{manifestDigest}\" is not sha256: and 64 hexadecimal digits");
        string blobs = Path.Combine(layoutDirectory, "blobs", "sha256");
        byte[] bytes = Read(blobs, digest, FlistFormat.MaxManifestBytes, "the manifest");
        try
        {
            FlistManifest manifest = FlistManifest.Parse(bytes);
            byte[] config = Read(blobs, manifest.Config.Digest, FlistFormat.MaxConfigBytes, "the config");
            FlistIndex index = FlistIndex.Open(Read(blobs, manifest.Index.Digest, FlistFormat.MaxIndexBytes, "the index"));
            manifest.Check(index);
            return new FlistArtifact(blobs, digest, bytes, manifest, config, index);
        }
        catch (FlistFormatException e)
        {
            throw new FlistBuildException($"{digest}: {e.Message}", e);
        }
    }

    /// <summary>The file of a blob.</summary>
    public string BlobPath(Sha256Digest digest) => Path.Combine(_blobs, digest.Hex);

    /// <summary>Reads every chunk and checks both its digests; writes the device to <paramref name="devicePath"/> when that is given.</summary>
    /// <exception cref="FlistBuildException">A chunk that is not what the index says.</exception>
    public void Verify(string? devicePath = null)
    {
        using FileStream? device = devicePath is null ? null : File.Create(devicePath);
        device?.SetLength(Index.DeviceSize);
        using var zstd = new ZstdDecompressor();
        var stored = new byte[FlistFormat.MaxChunkLength];
        var plain = new byte[FlistFormat.MaxChunkLength];
        FileStream? blob = null;
        int open = -1;
        try
        {
            for (int i = 0; i < Index.ChunkCount; i++)
            {
                FlistChunk chunk = Index[i];
                if (open != chunk.Blob)
                {
                    blob?.Dispose();
                    blob = OpenBlob(Index.BlobDigest(chunk.Blob));
                    open = chunk.Blob;
                }
                Span<byte> bytes = stored.AsSpan(0, chunk.StoredLength);
                if (RandomAccess.Read(blob!.SafeFileHandle, bytes, chunk.BlobOffset) != bytes.Length || Sha256Digest.Of(bytes) != chunk.StoredDigest)
                    throw new FlistBuildException($"chunk {i}: the stored bytes are not {chunk.StoredDigest}");
                Span<byte> content = plain.AsSpan(0, chunk.Length);
                if (chunk.Codec == ChunkCodec.Raw)
                    bytes.CopyTo(content);
                else if (!zstd.TryDecompress(bytes, content))
                    throw new FlistBuildException($"chunk {i} does not decompress");
                if (Sha256Digest.Of(content) != chunk.PlainDigest)
                    throw new FlistBuildException($"chunk {i}: the plain bytes are not {chunk.PlainDigest}");
                if (device is not null)
                    RandomAccess.Write(device.SafeFileHandle, content, chunk.DeviceOffset);
            }
        }
        finally
        {
            blob?.Dispose();
        }
    }

    private FileStream OpenBlob(Sha256Digest digest)
    {
        string path = BlobPath(digest);
        return File.Exists(path) ? File.OpenRead(path) : throw new FlistBuildException($"the blob {digest} is not in the layout");
    }

    private static byte[] Read(string blobs, Sha256Digest digest, int limit, string what)
    {
        string path = Path.Combine(blobs, digest.Hex);
        if (!File.Exists(path) || new FileInfo(path).Length > limit)
            throw new FlistBuildException($"{what} {digest} is not in the layout, or is over {limit} bytes");
        byte[] bytes = File.ReadAllBytes(path);
        return Sha256Digest.Of(bytes) == digest ? bytes : throw new FlistBuildException($"{what} {digest} was changed");
    }
}
