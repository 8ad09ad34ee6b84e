using System.IO.Compression;
using System.Text;

using ZeroOS.Flist;
using ZeroOS.Formats.Tar;
using ZeroOS.Formats.Zstd;
using ZeroOS.Images.Fetch;
using ZeroOS.Images.Store;
using ZeroOS.Oci;
using ZeroOS.Oci.Layout;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Flist;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Images.Store;

namespace ZeroOS.Tests.Fuzz;

/// <summary>What registries and images send.</summary>
internal static class ImageEntries
{
    private const int MostPlain = 1 << 20;
    private static readonly TestImage s_image = TestImage.Make(3, chunks: 6, chunkBytes: 8192);

    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        new DecoderEntry("flist index", () => [s_image.IndexBytes], ReadIndex),
        new DecoderEntry("flist manifest", () => [s_image.ManifestBytes], b => FuzzEntries.Reads<FlistFormatException>(() => FlistManifest.Parse(b))),
        new DecoderEntry("image config", () => [Encoding.UTF8.GetBytes(TestImage.ConfigJson)],
            b => FuzzEntries.Reads<FlistFormatException>(() => ImageConfigReader.Parse(b))),
        new DecoderEntry("zstd chunk", () => [Chunk()], ReadChunk),
        new DecoderEntry("layer", () => [Tar(), Gzip(Tar()), Zstandard(Tar())], ReadLayer),
        new SeedEntry("layers of an image", seed => Oci.Build.LayerFuzz.Run(seed)),
        new DecoderEntry("authentication challenge", () => ["Bearer realm=\"https://t/x\",service=\"s\",scope=\"p:q:pull\""u8.ToArray()],
            b => AuthChallenge.Parse(Encoding.Latin1.GetString(b)).Count > 0),
        new DecoderEntry("image reference",
            () => ["registry.test:5000/a/b:tag@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"u8.ToArray()], ReadReference),
        new DecoderEntry("fetch message", () => [[1, 0, 0, 0, 6, 0, 0, 0, 2, .. "no"u8]], ReadFetch),
    ];

    private static bool ReadIndex(byte[] bytes)
    {
        if (!FlistIndex.TryOpen(bytes, out FlistIndex? index, out string? error))
        {
            Assert.NotEmpty(error);
            return false;
        }
        FlistIndexTests.AssertHolds(index);
        return true;
    }

    private static bool ReadChunk(byte[] bytes)
    {
        using ZstdDecompressor decompressor = new();
        return decompressor.TryDecompress(bytes, new byte[8192]);
    }

    /// <summary>As a conversion reads it: the digests are told afterwards, so a hostile layer is unpacked to its end.</summary>
    private static bool ReadLayer(byte[] bytes)
    {
        try
        {
            using LayerStream stream = new(new MemoryStream(bytes), new LayerSource { Name = "fuzz" }, MostPlain);
            TarReader tar = new(stream);
            byte[] buffer = new byte[64 * 1024];
            int entries = 0;
            while (tar.Next() is { } entry)
            {
                Assert.True(++entries <= MostPlain / 512 && entry.Size >= 0);
                for (int n; (n = tar.Read(buffer, out long offset)) > 0;)
                    Assert.InRange(offset, 0, entry.Size - n);
            }
            return true;
        }
        catch (Exception e) when (e is TarException or InvalidDataException or FlistBuildException)
        {
            return false;
        }
    }

    private static bool ReadReference(byte[] bytes)
    {
        bool read = RegistryReference.TryParse(Encoding.UTF8.GetString(bytes), out _, out string? error);
        Assert.True(read || error is { Length: > 0 });
        return read;
    }

    private static bool ReadFetch(byte[] bytes)
    {
        if (!FetchMessage.TryRead(bytes, out _, out FetchVerb verb, out ReadOnlySpan<byte> payload))
            return false;
        if (verb == FetchVerb.Failed)
            Assert.InRange(FetchMessage.Failure(payload).Message.Length, 1, 4096);
        return true;
    }

    private static byte[] Chunk()
    {
        byte[] plain = [.. Enumerable.Range(0, 8192).Select(i => (byte)("zeroos flist "[i % 13] + (i / 4096 % 3)))];
        return Zstandard(plain);
    }

    private static byte[] Tar() =>
        new TarBytes().Directory("d/").Pax(("SCHILY.xattr.user.x", [0, 1, 2]), ("mtime", "1.5"u8.ToArray())).File("d/a", new string('x', 700))
        .Add("L", 'L', Encoding.Latin1.GetBytes(new string('n', 120) + "\0"))
        .File("n", "long").HardLink("h", "d/a").SymbolicLink("s", "d").File("d/.wh.b", "").ToArray();

    private static byte[] Gzip(byte[] plain)
    {
        MemoryStream stored = new();
        using (GZipStream gzip = new(stored, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(plain);
        return stored.ToArray();
    }

    private static byte[] Zstandard(byte[] plain)
    {
        using ZstdCompressor compressor = new(3);
        byte[] stored = new byte[ZstdLibrary.CompressBound(plain.Length)];
        return stored[..compressor.Compress(plain, stored)];
    }
}
