using System.Text;
using System.Text.Json.Nodes;

using Xunit;

using ZeroOS.Oci;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Pull;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Oci.Pull;

/// <summary>Container images out of registries: the right one of several, whole in spite of broken connections, and nothing that is not what it says.</summary>
public sealed class ImagePullTests : IDisposable
{
    private const string Config = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        Layer = "sha256:01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b";

    private static readonly RegistryReference s_reference = new() { Registry = "r", Repository = "library/app", Tag = "1" };

    private readonly PlayedRegistry _registry = new();
    private readonly TemporaryDirectory _work = new();

    public void Dispose()
    {
        _registry.Dispose();
        _work.Dispose();
    }

    [Fact]
    public async Task Image_that_is_pulled_makes_the_same_flist_as_the_layout_it_came_from()
    {
        using TemporaryDirectory local = new();
        TestImage same = new(local.Path);
        foreach (TestImage image in (TestImage[])[same, _registry.Image])
            image.AddLayer(Tar("etc/os-release", 5_000)).AddLayer(Tar("srv/big", 300_000), gzip: true).AddLayer(Tar("etc/os-release", 5_000));
        same.Write(same.Manifest());
        _registry.Serve(_registry.Image.Manifest());
        List<BuildProgress> reports = [];
        await PullAsync(new Reports(reports));
        Assert.Equal(FlistBuilder.Build(FlistSource.Parse($"oci:{local.Path}"), _work["one"]).ManifestDigest,
            FlistBuilder.Build(FlistSource.Parse($"oci:{_work["pulled"]}"), _work["other"]).ManifestDigest);
        Assert.Equal(reports[^1].TotalBytes, reports[^1].DoneBytes);
        Assert.Equal(2 + 1, _registry.Seen.Count(s => s.Contains("/blobs/", StringComparison.Ordinal)));      // a layer that is there twice comes once
    }

    [Fact]
    public async Task Of_an_index_the_image_for_nodes_is_pulled_and_attestations_are_passed_over()
    {
        JsonObject ours = On(_registry.Image.AddLayer(Tar("ours", 10)).Manifest(), "linux", "amd64"),
            attestation = On(_registry.Image.Put([4], "x"), "unknown", "unknown");
        _registry.Serve(On(_registry.Image.Put([1, 2, 3], "x"), "linux", "arm64"), attestation, ours);
        await PullAsync();
        Assert.Contains(ours["digest"]!.ToString(), File.ReadAllText(_work["pulled/index.json"]), StringComparison.Ordinal);

        _registry.Serve(On(_registry.Image.Put([1], "x"), "linux", "arm64"), On(_registry.Image.Put([2], "x"), "windows", "amd64"));
        FlistBuildException refused = await Assert.ThrowsAsync<FlistBuildException>(() => PullAsync(folder: "none"));
        Assert.Contains("no version for linux/amd64, only for linux/arm64, windows/amd64", refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_work["none"]));
    }

    [Fact]
    public async Task Layer_that_breaks_off_goes_on_where_it_was()
    {
        _registry.Serve(_registry.Image.AddLayer(Tar("big", 100_000)).Manifest());
        _registry.BreaksOffAfter = 40_000;
        await PullAsync();
        _ = FlistBuilder.Build(FlistSource.Parse($"oci:{_work["pulled"]}"), _work["built"]);

        _registry.BreaksOffAfter = 0;
        RegistryException gaveUp = await Assert.ThrowsAsync<RegistryException>(() => PullAsync(folder: "never"));
        Assert.Equal(RegistryFailure.Unreachable, gaveUp.Failure);
    }

    [Fact]
    public async Task Blob_with_a_wrong_byte_is_refused()
    {
        _registry.Serve(_registry.Image.AddLayer(Tar("a", 10)).Manifest());
        _registry.Changes = true;
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => PullAsync());
        Assert.Equal(RegistryFailure.Invalid, refused.Failure);
        Assert.False(File.Exists(_work["pulled/index.json"]));
    }

    [Theory]
    [InlineData("""{"schemaVersion":1,"name":"app","fsLayers":[]}""", "schema 1")]
    [InlineData("""{"schemaVersion":2,"artifactType":"application/vnd.zeroos.flist.v1"}""", "a flist already")]
    [InlineData("""{"schemaVersion":2,"config":{"digest":"sha256:12","size":5},"layers":[]}""", "no sha256 digest")]
    [InlineData($$"""{"config":{"digest":"{{Config}}","size":-5},"layers":[]}""", "no size")]
    [InlineData($$"""{"config":{"digest":"{{Config}}","size":68719476737},"layers":[]}""", "no size")]
    [InlineData($$"""{"config":{"digest":"{{Config}}","size":68719476736},"layers":[{"digest":"{{Layer}}","size":1}]}""", "the limit is")]
    [InlineData("[]", "not the JSON")]
    [InlineData("{", "not the JSON")]
    public async Task What_is_no_image_is_refused_by_a_sentence(string manifest, string sentence)
    {
        _registry.Serve(Encoding.UTF8.GetBytes(manifest), "application/json");
        FlistBuildException refused = await Assert.ThrowsAsync<FlistBuildException>(() => PullAsync());
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
    }

    private async Task PullAsync(IProgress<BuildProgress>? progress = null, string folder = "pulled")
    {
        using RegistryClient client = new(_registry.Url, plainHttp: true);
        await ImagePull.PullAsync(client, s_reference, _work[folder], progress);
    }

    private static JsonObject On(JsonObject descriptor, string os, string architecture)
    {
        descriptor["platform"] = new JsonObject { ["os"] = os, ["architecture"] = architecture };
        return descriptor;
    }

    // Bytes that do not compress.
    private static byte[] Tar(string path, int bytes)
    {
        byte[] content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        using MemoryStream tar = new();
        using (System.Formats.Tar.TarWriter writer = new(tar, System.Formats.Tar.TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, path)
            {
                DataStream = new MemoryStream(content),
                ModificationTime = DateTimeOffset.UnixEpoch,
            });
        }
        return tar.ToArray();
    }

    private sealed class Reports(List<BuildProgress> reports) : IProgress<BuildProgress>
    {
        public void Report(BuildProgress value) => reports.Add(value);
    }
}
