using System.Text;

using Xunit;

using ZeroOS.Flist;

namespace ZeroOS.Tests.Flist;

public sealed class FlistManifestTests
{
    private const string A = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        B = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    private const string Good = $$$"""
        {"schemaVersion":2,"artifactType":"application/vnd.zeroos.flist.v1","config":{"mediaType":"c","digest":"{{{A}}}","size":7},
        "layers":[{"mediaType":"application/vnd.zeroos.flist.index.v1","digest":"{{{A}}}","size":64},
        {"mediaType":"application/vnd.zeroos.flist.data.v1","digest":"{{{B}}}","size":100},
        {"mediaType":"application/vnd.zeroos.flist.prefetch.v1","digest":"{{{A}}}","size":1}],
        "subject":{"digest":"x"},"annotations":{"org.zeroos.flist.kind":"rootfs","other":null}}
        """;

    [Fact]
    public void Manifest_falls_into_its_parts()
    {
        FlistManifest manifest = FlistManifest.Parse(Encoding.UTF8.GetBytes(Good));
        Assert.Equal(("rootfs", 7L, 64L), (manifest.Kind, manifest.Config.Size, manifest.Index.Size));
        Assert.Equal([new BlobDescriptor(Sha256Digest.Parse(B), 100)], manifest.Data);
    }

    [Theory]
    [InlineData("\"schemaVersion\":2", "\"schemaVersion\":1", "not an OCI")]
    [InlineData("flist.v1", "flist.v9", "not a flist")]
    [InlineData("index.v1", "index.v9", "first layer")]
    [InlineData("data.v1", "data.v9", "layer 1")]
    [InlineData("prefetch.v1\"", "data.v2\"", "layer 2")]
    [InlineData("rootfs", "folder", "neither rootfs nor disk")]
    [InlineData("\"size\":7", "\"size\":0", "the config has 0 bytes")]
    [InlineData("\"size\":64", "\"size\":67108865", "the index has")]
    [InlineData("\"size\":100", "\"size\":-1", "layer 1 has -1")]
    [InlineData("\"size\":100", "\"size\":1e99", "not the JSON")]
    [InlineData(B, "sha256:b", "layer 1 has no sha256")]
    [InlineData("\"subject\"", "subject", "not the JSON")]
    public void Broken_rule_is_named(string part, string forged, string expected) => Assert.Contains(expected,
        Assert.Throws<FlistFormatException>(() => FlistManifest.Parse(Encoding.UTF8.GetBytes(Good.Replace(part, forged, StringComparison.Ordinal)))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Index_of_another_manifest_is_refused()
    {
        FlistManifest manifest = FlistManifest.Parse(Encoding.UTF8.GetBytes(Good));
        FlistChunk chunk = new()
        {
            DeviceOffset = 0,
            Length = 4096,
            Blob = 0,
            Codec = ChunkCodec.Zstd,
            BlobOffset = 60,
            StoredLength = 40,
            StoredDigest = default,
            PlainDigest = default,
        };
        manifest.Check(FlistIndex.Open(FlistIndexWriter.Write(4096, [Sha256Digest.Parse(B)], [chunk])));
        foreach (byte[] other in new[]
        {
            FlistIndexWriter.Write(4096, [Sha256Digest.Parse(A)], [chunk]),
            FlistIndexWriter.Write(4096, [Sha256Digest.Parse(B), Sha256Digest.Parse(B)], [chunk]),
            FlistIndexWriter.Write(4096, [Sha256Digest.Parse(B)], [chunk with { StoredLength = 41 }]),
        })
        {
            Assert.Throws<FlistFormatException>(() => manifest.Check(FlistIndex.Open(other)));
        }
    }

    [Fact]
    public void Ten_thousand_mutations_throw_nothing_but_their_own()
    {
        Random random = new(5);
        int accepted = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] json = Encoding.UTF8.GetBytes(Good);
            for (int n = random.Next(1, 5); n > 0; n--)
                json[random.Next(json.Length)] = (byte)random.Next(256);
            try
            {
                FlistManifest.Parse(json);
                accepted++;
            }
            catch (FlistFormatException)
            {
            }
        }
        Assert.InRange(accepted, 1, 9_999);
    }
}
