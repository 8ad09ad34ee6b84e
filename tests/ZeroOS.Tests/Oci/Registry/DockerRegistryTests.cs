using System.Text;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Flist;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Tests.Oci.Registry;

[Trait("tier", "kernel")]
public sealed class DockerRegistryTests
{
    [SkippableFact]
    public async Task Pushed_artifact_is_pulled_back_byte_for_byte()
    {
        using DockerRegistry registry = await DockerRegistry.StartAsync();
        using RegistryClient client = new(registry.Url, plainHttp: true);
        byte[] blob = Bytes(3_000_000);
        Sha256Digest digest = Sha256Digest.Of(blob);
        Assert.True(await client.PushBlobAsync("a/b", digest, blob.Length, () => new MemoryStream(blob)));
        Assert.False(await client.PushBlobAsync("a/b", digest, blob.Length, () => new MemoryStream(blob)));

        byte[] manifest = Manifest(digest, blob.Length);
        Sha256Digest pushed = await client.PushManifestAsync("a/b", "1", manifest, "application/vnd.oci.image.manifest.v1+json");
        foreach (string reference in new[] { "1", pushed.ToString() })
        {
            RegistryManifest pulled = await client.GetManifestAsync("a/b", reference);
            Assert.Equal(manifest, pulled.Bytes);
            Assert.Equal(pushed, pulled.Digest);
            Assert.Equal("application/vnd.oci.image.manifest.v1+json", pulled.MediaType);
        }
        Assert.Equal(blob, await client.GetBlobAsync("a/b", digest, blob.Length));
        MemoryStream part = new();
        await client.ReadBlobAsync("a/b", digest, 1_000_001, 1_500_000, bytes => part.Write(bytes.Span));
        Assert.Equal(blob[1_000_001..2_500_001], part.ToArray());
    }

    [SkippableFact]
    public async Task What_is_not_there_is_not_found()
    {
        using DockerRegistry registry = await DockerRegistry.StartAsync();
        using RegistryClient client = new(registry.Url, plainHttp: true);
        RegistryException missing = await Assert.ThrowsAsync<RegistryException>(() => client.GetManifestAsync("a/b", Sha256Digest.Of([]).ToString()));
        Assert.Equal(RegistryFailure.NotFound, missing.Failure);
        Assert.Contains("MANIFEST_UNKNOWN", missing.Message, StringComparison.Ordinal);
        Assert.False(await client.HasManifestAsync("a/b", "1"));
        Assert.False(await client.HasBlobAsync("a/b", Sha256Digest.Of([])));
    }

    [SkippableFact]
    public async Task Range_beyond_the_blob_is_invalid()
    {
        using DockerRegistry registry = await DockerRegistry.StartAsync();
        using RegistryClient client = new(registry.Url, plainHttp: true);
        byte[] blob = Bytes(1000);
        await client.PushBlobAsync("a", Sha256Digest.Of(blob), blob.Length, () => new MemoryStream(blob));
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.ReadBlobAsync("a", Sha256Digest.Of(blob), 2000, 10, _ => { }));
        Assert.Equal(RegistryFailure.Invalid, refused.Failure);
    }

    [SkippableFact]
    public async Task Basic_credentials_open_a_private_registry_and_nothing_else_does()
    {
        // htpasswd of user "u", password "p" (bcrypt, cost 5)
        using DockerRegistry registry = await DockerRegistry.StartAsync("u:$2b$05$ZpxrXhc7MomlxYUIk8j//OZRyeBmXD8XS2Ej8o2lqtZiUxHnv6/RO\n");
        byte[] blob = Bytes(100);
        using RegistryClient stranger = new(registry.Url, plainHttp: true),
            wrong = new(registry.Url, plainHttp: true, new RegistryCredentials { Username = "u", Password = "q" });
        foreach (RegistryClient client in new[] { stranger, wrong })
        {
            RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => client.GetBlobAsync("a", Sha256Digest.Of(blob), 100));
            Assert.Equal(RegistryFailure.Denied, refused.Failure);
        }
        using RegistryClient known = new(registry.Url, plainHttp: true, new RegistryCredentials { Username = "u", Password = "p" });
        Assert.True(await known.PushBlobAsync("a", Sha256Digest.Of(blob), blob.Length, () => new MemoryStream(blob)));
        Assert.Equal(blob, await known.GetBlobAsync("a", Sha256Digest.Of(blob), 100));
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Manifest(Sha256Digest digest, int size) => Encoding.UTF8.GetBytes($$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.zeroos.flist.v1",
         "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{digest}}","size":{{size}}},
         "layers":[{"mediaType":"application/vnd.zeroos.flist.index.v1","digest":"{{digest}}","size":{{size}}}]}
        """);
}
