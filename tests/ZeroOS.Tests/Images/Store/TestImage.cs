using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Tests.Images.Store;

/// <summary>A small flist made by hand: raw and compressed chunks, a gap, chunks needed at start, all in one data blob.</summary>
internal sealed class TestImage
{
    public const string ConfigJson = """{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/bin/x"],"Cmd":null,"Env":["A=b"]"""
        + ""","User":"7","WorkingDir":"/w","StopSignal":"SIGQUIT","Volumes":{"/data":{}}},"rootfs":{"type":"layers","diff_ids":[]}}""";

    private TestImage(byte[] device, byte[] blob, byte[] index, byte[] config)
    {
        (Device, Blob, IndexBytes, Config, Index) = (device, blob, index, config, FlistIndex.Open(index));
        ManifestBytes = Manifest(config, index, blob, "rootfs");
        Digest = Sha256Digest.Of(ManifestBytes);
    }

    public byte[] Device { get; }
    public byte[] Blob { get; }
    public byte[] IndexBytes { get; }
    public byte[] Config { get; }
    public byte[] ManifestBytes { get; }
    public FlistIndex Index { get; }
    public Sha256Digest Digest { get; }

    public static byte[] Manifest(byte[] config, byte[] index, byte[] blob, string kind) => Encoding.UTF8.GetBytes($$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"{{FlistFormat.ArtifactType}}",
        "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Sha256Digest.Of(config)}}","size":{{config.Length}}},
        "layers":[{"mediaType":"{{FlistFormat.IndexMediaType}}","digest":"{{Sha256Digest.Of(index)}}","size":{{index.Length}}},
        {"mediaType":"{{FlistFormat.DataMediaType}}","digest":"{{Sha256Digest.Of(blob)}}","size":{{blob.Length}}}],
        "annotations":{"{{FlistFormat.KindAnnotation}}":"{{kind}}"} }
        """);

    /// <summary>
    /// An image of <paramref name="chunks"/> chunks; the same seed makes the same chunks. Every third is raw, the first ones are needed at start.
    /// </summary>
    public static TestImage Make(int seed, int chunks = 12, int chunkBytes = 64 * 1024, int neededAtStart = 0, string config = ConfigJson,
        bool lyingPlainDigest = false)
    {
        Random random = new(seed);
        byte[] device = new byte[((long)chunks * chunkBytes) + 8192];
        MemoryStream blob = new();
        List<FlistChunk> records = [];
        using ZstdCompressor compressor = new(1);
        for (int i = 0; i < chunks; i++)
        {
            Span<byte> plain = device.AsSpan((i * chunkBytes) + (i > chunks / 2 ? 4096 : 0), chunkBytes);
            random.NextBytes(plain[..(chunkBytes / 2)]);
            byte[] stored = new byte[ZstdLibrary.CompressBound(chunkBytes)];
            bool raw = i % 3 == 0;
            stored = raw ? plain.ToArray() : stored[..compressor.Compress(plain, stored)];
            Sha256Digest honest = Sha256Digest.Of(plain);
            records.Add(new FlistChunk
            {
                DeviceOffset = (i * chunkBytes) + (i > chunks / 2 ? 4096 : 0),
                Length = chunkBytes,
                Blob = 0,
                Codec = raw ? ChunkCodec.Raw : ChunkCodec.Zstd,
                NeededAtStart = i < neededAtStart,
                BlobOffset = blob.Length,
                StoredLength = stored.Length,
                StoredDigest = Sha256Digest.Of(stored),
                PlainDigest = lyingPlainDigest && !raw ? Sha256Digest.Of([1]) : honest,
            });
            blob.Write(stored);
        }
        byte[] bytes = blob.ToArray();
        return new TestImage(device, bytes, FlistIndexWriter.Write(device.Length, [Sha256Digest.Of(bytes)], records), Encoding.UTF8.GetBytes(config));
    }

    /// <summary>A hostile image: chunks of a mebibyte that compress to next to nothing, all needed at start.</summary>
    public static TestImage OfBomb(int chunks)
    {
        byte[] device = new byte[chunks << 20];
        MemoryStream blob = new();
        List<FlistChunk> records = [];
        using ZstdCompressor compressor = new(3);
        for (int i = 0; i < chunks; i++)
        {
            Span<byte> plain = device.AsSpan(i << 20, 1 << 20);
            plain.Fill(0xAA);
            plain[0] = (byte)i;
            byte[] stored = new byte[ZstdLibrary.CompressBound(plain.Length)];
            stored = stored[..compressor.Compress(plain, stored)];
            records.Add(new FlistChunk
            {
                DeviceOffset = (long)i << 20,
                Length = plain.Length,
                Blob = 0,
                Codec = ChunkCodec.Zstd,
                NeededAtStart = true,
                BlobOffset = blob.Length,
                StoredLength = stored.Length,
                StoredDigest = Sha256Digest.Of(stored),
                PlainDigest = Sha256Digest.Of(plain),
            });
            blob.Write(stored);
        }
        byte[] bytes = blob.ToArray();
        return new TestImage(device, bytes, FlistIndexWriter.Write(device.Length, [Sha256Digest.Of(bytes)], records), Encoding.UTF8.GetBytes(ConfigJson));
    }

    /// <summary>A hostile image: chunks of a mebibyte, each stored in one byte that is not what the index says.</summary>
    public static TestImage OfTinyChunks(int chunks)
    {
        byte[] blob = new byte[chunks];
        FlistChunk[] records = [.. Enumerable.Range(0, chunks).Select(i => new FlistChunk
        {
            DeviceOffset = (long)i << 20,
            Length = 1 << 20,
            Blob = 0,
            Codec = ChunkCodec.Zstd,
            BlobOffset = i,
            StoredLength = 1,
            StoredDigest = default,
            PlainDigest = default,
        })];
        return new TestImage([], blob, FlistIndexWriter.Write((long)chunks << 20, [Sha256Digest.Of(blob)], records), Encoding.UTF8.GetBytes(ConfigJson));
    }

    public FlistReference Reference(string registry = "demo", RegistryCredentials? auth = null) =>
        new() { Reference = $"{registry}/x/y:1", Digest = Digest.ToString(), Auth = auth };

    public ReadOnlySpan<byte> Plain(int chunk) => Device.AsSpan((int)Index[chunk].DeviceOffset, Index[chunk].Length);

    public async Task PushAsync(RegistryClient client, string repository = "x/y")
    {
        foreach (byte[] piece in new[] { Config, IndexBytes, Blob })
            await client.PushBlobAsync(repository, Sha256Digest.Of(piece), piece.Length, () => new MemoryStream(piece));
        await client.PushManifestAsync(repository, "1", ManifestBytes, "application/vnd.oci.image.manifest.v1+json");
    }
}
