using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

using Xunit;

using ZeroOS.Flist;
using ZeroOS.Oci;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Layout;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Oci.Layout;

public sealed class OciSourceTests
{
    private static readonly byte[] s_layer = new TarBytes().File("a", "text").ToArray();

    [Theory]
    [InlineData("nginx")]
    [InlineData("docker://nginx")]
    [InlineData("oci:")]
    [InlineData("")]
    public void Text_that_names_no_source_is_refused(string text) => Assert.Throws<FormatException>(() => FlistSource.Parse(text));

    [Fact]
    public void Gzip_and_plain_layers_of_the_same_archive_give_the_same_device()
    {
        using var temp = new TemporaryDirectory();
        string[] indexes = [.. new[] { false, true }.Select(gzip =>
        {
            string name = gzip ? "gzip" : "plain";
            var image = new TestImage(Directory.CreateDirectory(temp[name]).FullName).AddLayer(s_layer, gzip);
            image.Write(image.Manifest());
            return FlistArtifact.Open(temp["out"], FlistBuilder.Build(FlistSource.Parse("oci:" + temp[name]),
                temp["out"]).ManifestDigest).Manifest.Index.Digest.ToString();
        })];
        Assert.Equal(indexes[0], indexes[1]);
    }

    [Fact]
    public void Tag_chooses_the_image_and_without_one_the_choices_are_named()
    {
        using var temp = new TemporaryDirectory();
        var one = new TestImage(temp.Path).AddLayer(s_layer);
        var two = new TestImage(temp.Path).AddLayer(new TarBytes().File("b", "other").ToArray());
        one.Write(TestImage.Tagged(one.Manifest(), "v1"), TestImage.Tagged(two.Manifest(), "v2"));
        string digest = (string)two.Manifest()["digest"]!;
        Assert.Equal(digest, FlistSource.Parse($"oci:{temp.Path}:v2").Open(NoScratch).Subject!.Digest);
        Assert.Equal(digest, FlistSource.Parse($"oci:{temp.Path}:{digest}").Open(NoScratch).Subject!.Digest);
        Assert.Contains("v1, v2", Assert.Throws<FlistBuildException>(() => FlistSource.Parse($"oci:{temp.Path}").Open(NoScratch)).Message);
        Assert.Contains("v1, v2", Assert.Throws<FlistBuildException>(() => FlistSource.Parse($"oci:{temp.Path}:v3").Open(NoScratch)).Message);
    }

    [Fact]
    public void Index_of_platforms_gives_the_one_for_amd64_and_no_attestation()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(s_layer);
        JsonObject ours = image.Manifest();
        string digest = (string)ours["digest"]!;
        ours["platform"] = Platform("linux", "amd64");
        var arm = new TestImage(temp.Path) { Architecture = "arm64" }.AddLayer(s_layer).Manifest();
        arm["platform"] = Platform("linux", "arm64");
        JsonObject attestation = image.Put("{}"u8.ToArray(), "application/vnd.oci.image.manifest.v1+json");
        attestation["platform"] = Platform("unknown", "unknown");
        var inner = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(attestation, arm, ours) };
        image.Write(image.Put(Encoding.UTF8.GetBytes(inner.ToJsonString()), "application/vnd.oci.image.index.v1+json"));
        Assert.Equal(digest, FlistSource.Parse("oci:" + temp.Path).Open(NoScratch).Subject!.Digest);

        static JsonObject Platform(string os, string architecture) => new() { ["os"] = os, ["architecture"] = architecture };
    }

    [Fact]
    public void Platforms_in_index_json_need_no_tag_and_nothing_but_images_is_chosen()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(s_layer);
        JsonObject none = image.Put("{}"u8.ToArray(), "application/vnd.oci.image.manifest.v1+json"), ours = image.Manifest();
        JsonObject[] others = [On(none, "unknown", "unknown"), On(none, "linux", ""), On(none, "linux", "arm64"), Artifact(none)];
        image.Write([.. others, On(ours, "linux", "amd64")]);
        Assert.Equal((string)ours["digest"]!, FlistSource.Parse("oci:" + temp.Path).Open(NoScratch).Subject!.Digest);
        image.Write(On(none, "linux", "arm64"), On(none, "windows", "amd64"));
        Assert.Contains("no version for linux/amd64, only for linux/arm64, windows/amd64", OpenRefusal("oci:" + temp.Path));
        image.Write(TestImage.Tagged(On(ours, "linux", "amd64"), "v1"), TestImage.Tagged(On(none, "linux", "amd64"), "v2"));
        Assert.Contains("it has v1, v2", OpenRefusal("oci:" + temp.Path));
        image.Write(TestImage.Tagged(On(ours, "linux", "amd64"), "v1"), TestImage.Tagged(On(ours, "linux", "amd64"), "latest"));
        Assert.Equal((string)ours["digest"]!, FlistSource.Parse("oci:" + temp.Path).Open(NoScratch).Subject!.Digest);
        image.Write(ours, none);
        Assert.Contains("say which image", OpenRefusal("oci:" + temp.Path));

        static JsonObject Artifact(JsonObject descriptor)
        {
            var artifact = (JsonObject)descriptor.DeepClone();
            artifact["artifactType"] = "application/spdx+json";
            return artifact;
        }
    }

    [Theory]
    [InlineData("v3,,v2", 1)]
    [InlineData("v3,v1", 1)]
    [InlineData("v4,v2,v3", 1)]
    [InlineData("v3,odd", 0)]
    [InlineData("v3", 0)]
    public void Variant_that_asks_least_of_a_processor_is_taken(string variants, int expected)
    {
        using var temp = new TemporaryDirectory();
        string[] digests = [.. variants.Split(',').Select((_, i) => (string)Image(i).Manifest()["digest"]!)];
        JsonObject[] choices = [.. variants.Split(',').Select((variant, i) => On(Image(i).Manifest(), "linux", "amd64", variant))];
        Image(0).Write(choices);
        Assert.Equal(digests[expected], FlistSource.Parse("oci:" + temp.Path).Open(NoScratch).Subject!.Digest);
        var inner = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray([.. choices.Select(c => c.DeepClone())]) };
        Image(0).Write(Image(0).Put(Encoding.UTF8.GetBytes(inner.ToJsonString()), "application/vnd.oci.image.index.v1+json"));
        Assert.Equal(digests[expected], FlistSource.Parse("oci:" + temp.Path).Open(NoScratch).Subject!.Digest);

        TestImage Image(int i) => new TestImage(temp.Path).AddLayer(new TarBytes().File("which", $"{i}").ToArray());
    }

    [Theory]
    [InlineData("x86_64")]
    [InlineData("x86-64")]
    [InlineData("AMD64")]
    public void Other_names_of_amd64_are_amd64(string architecture)
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path) { Architecture = architecture }.AddLayer(s_layer);
        var inner = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(On(image.Manifest(), "Linux", architecture)) };
        image.Write(image.Put(Encoding.UTF8.GetBytes(inner.ToJsonString()), "application/vnd.oci.image.index.v1+json"));
        Assert.Single(FlistSource.Parse("oci:" + temp.Path).Open(NoScratch).Layers);
    }

    [Fact]
    public void Image_for_another_processor_is_refused()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path) { Architecture = "arm64" }.AddLayer(s_layer);
        image.Write(image.Manifest());
        Assert.Contains("arm64", Assert.Throws<FlistBuildException>(() => FlistSource.Parse("oci:" + temp.Path).Open(NoScratch)).Message);
    }

    [Fact]
    public void Layer_whose_bytes_were_changed_is_refused()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(s_layer);
        image.Write(image.Manifest());
        string blob = temp["blobs/sha256/" + Sha256Digest.Of(s_layer).Hex];
        byte[] bytes = File.ReadAllBytes(blob);
        bytes[512] ^= 1; // the file's content: the archive itself stays valid
        File.WriteAllBytes(blob, bytes);
        Assert.Contains("hash to", Refusal(temp));
        File.WriteAllBytes(blob, [.. s_layer, 0]);
        Assert.Contains("longer than", Refusal(temp));
        File.WriteAllBytes(blob, s_layer[..^1]);
        Assert.Contains("cut or changed", Refusal(temp));
        File.Delete(blob);
        Assert.Contains("has no blobs/sha256", Refusal(temp));
    }

    [Fact]
    public void Changed_byte_anywhere_in_a_compressed_layer_is_called_a_changed_layer()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(s_layer, gzip: true);
        image.Write(image.Manifest());
        string blob = temp["blobs/sha256/" + Sha256Digest.Parse((string)image.Layers[0]["digest"]!).Hex];
        byte[] good = File.ReadAllBytes(blob);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[at] ^= 1;
            File.WriteAllBytes(blob, bad);
            Assert.Contains("changed on their way", Refusal(temp));
        }
    }

    [Fact]
    public void Layer_that_was_made_broken_says_what_is_broken()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(s_layer);
        byte[] broken = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 7, 7, 7];
        image.Layers[0] = image.Put(broken, "application/vnd.oci.image.layer.v1.tar+gzip");
        image.Write(image.Manifest());
        Assert.Contains("its gzip data is damaged", Refusal(temp));
        image.Layers[0] = image.Put([0xFD, .. "7zXZ"u8, 0], "application/vnd.oci.image.layer.v1.tar");
        image.Write(image.Manifest());
        Assert.Contains("compressed with xz", Refusal(temp));
    }

    [Fact]
    public void Layer_that_is_not_the_config_s_diff_id_is_refused()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(s_layer);
        image.DiffIds[0] = Sha256Digest.Of([]).ToString();
        image.Write(image.Manifest());
        Assert.Contains("the config says", Refusal(temp));
        image.DiffIds.Add(image.DiffIds[0]);
        image.Write(image.Manifest());
        Assert.Contains("its config lists 2", Refusal(temp));
    }

    [Fact]
    public void Docker_archive_is_read_through_its_links()
    {
        using var temp = new TemporaryDirectory();
        string config = $$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["{{{Sha256Digest.Of(s_layer)}}}"]}}""";
        byte[] archive = new TarBytes().Add("layer-bytes.tar", '0', s_layer).SymbolicLink("0123/layer.tar", "../layer-bytes.tar").File("config.json", config)
            .File("manifest.json", """[{"Config":"config.json","RepoTags":["x:1"],"Layers":["0123/layer.tar"]}]""").ToArray();
        string path = temp.Write("image.tar", archive);
        BuildResult result = FlistBuilder.Build(FlistSource.Parse("docker-archive:" + path), temp["out"]);
        FlistArtifact flist = FlistArtifact.Open(temp["out"], result.ManifestDigest);
        Assert.Equal(config, Encoding.UTF8.GetString(flist.Config));
        Assert.Equal(result, FlistBuilder.Build(FlistSource.Parse($"docker-archive:{path}:x:1"), temp["out"]));
        Assert.Throws<FlistBuildException>(() => FlistSource.Parse($"docker-archive:{path}:y").Open(NoScratch));
        Assert.Throws<FlistBuildException>(() => FlistSource.Parse($"docker-archive:{path}:x").Open(NoScratch));
    }

    [Fact]
    public void Colon_may_be_in_the_path_and_in_the_name_and_no_tag_means_latest()
    {
        using var temp = new TemporaryDirectory();
        string config = $$$"""{"rootfs":{"type":"layers","diff_ids":["{{{Sha256Digest.Of(s_layer)}}}"]}}""";
        byte[] archive = new TarBytes().Add("layer.tar", '0', s_layer).File("config.json", config)
            .File("manifest.json", """[{"Config":"config.json","RepoTags":["host:5000/x:latest","x:2"],"Layers":["layer.tar"]},"""
                + """{"Config":"config.json","RepoTags":["y:1"],"Layers":["layer.tar"]}]""").ToArray();
        string path = temp.Write("with:colon.tar", archive);
        foreach (string name in (string[])["host:5000/x:latest", "host:5000/x", "x:2", "y:1"])
            Assert.Single(FlistSource.Parse($"docker-archive:{path}:{name}").Open(NoScratch).Layers);
        Assert.Contains("host:5000/x:latest, x:2, y:1", OpenRefusal("docker-archive:" + path));
        Assert.Contains("there is no", OpenRefusal($"docker-archive:{temp["absent.tar"]}:x"));
    }

    [Fact]
    public void Compressed_archive_is_the_same_image_and_leaves_nothing_behind()
    {
        using var temp = new TemporaryDirectory();
        string config = $$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["{{{Sha256Digest.Of(s_layer)}}}"]}}""";
        byte[] archive = new TarBytes().Add("layer.tar", '0', s_layer).File("config.json", config)
            .File("manifest.json", """[{"Config":"config.json","RepoTags":["x:1"],"Layers":["layer.tar"]}]""").ToArray();
        BuildResult plain = FlistBuilder.Build(FlistSource.Parse("docker-archive:" + temp.Write("image.tar", archive)), temp["plain"]);
        string gzip = temp.Write("image.tar.gz", Gzip(archive));
        Assert.Equal(plain, FlistBuilder.Build(FlistSource.Parse("docker-archive:" + gzip), temp["gzip"]));
        Assert.Equal(plain, FlistBuilder.Build(FlistSource.Parse($"docker-archive:{gzip}:x:1"), temp["gzip"]));
        Assert.Equal(["blobs", "index.json", "oci-layout"], Directory.GetFileSystemEntries(temp["gzip"]).Select(Path.GetFileName).Order());

        Assert.Contains("its gzip data is damaged", Assert.Throws<FlistBuildException>(() =>
            FlistBuilder.Build(FlistSource.Parse("docker-archive:" + temp.Write("cut.tar.gz", [.. Gzip(archive)[..40], .. new byte[40]])),
                temp["bad"])).Message);
        Assert.Contains("decompress it first (bzip2 -dk)", OpenRefusal("docker-archive:" + temp.Write("image.tar.bz2", "BZh9...."u8.ToArray()), temp.Path));
        Assert.Empty(Directory.GetFileSystemEntries(temp["bad"], ".build*"));
    }

    [Fact]
    public void Oci_layout_in_a_tar_is_the_same_image()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(Directory.CreateDirectory(temp["layout"]).FullName).AddLayer(s_layer, gzip: true);
        image.Write(image.Manifest());
        var tar = new TarBytes();
        foreach (string file in Directory.GetFiles(temp["layout"], "*", SearchOption.AllDirectories))
            tar.Add("./" + Path.GetRelativePath(temp["layout"], file), '0', File.ReadAllBytes(file));
        Assert.Equal(FlistBuilder.Build(FlistSource.Parse("oci:" + temp["layout"]), temp["1"]),
            FlistBuilder.Build(FlistSource.Parse("oci:" + temp.Write("layout.tar", tar.ToArray())), temp["2"]));
    }

    [Fact]
    public void Ten_thousand_mutations_of_the_documents_end_in_an_image_or_a_refusal()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(s_layer);
        JsonObject manifest = image.Manifest();
        string index = image.Write(TestImage.Tagged(manifest, "v1"));
        byte[] config = File.ReadAllBytes(temp["blobs/sha256/" + Sha256Digest.Parse((string)JsonNode.Parse(File.ReadAllBytes(temp["blobs/sha256/"
            + Sha256Digest.Parse((string)manifest["digest"]!).Hex]))!["config"]!["digest"]!).Hex]);
        byte[] docker = """[{"Config":"config.json","RepoTags":["x:1"],"Layers":["0123/layer.tar"]}]"""u8.ToArray();
        var random = new Random(20262);
        int images = 0, refused = 0;
        for (int i = 0; i < 10_000; i++)
        {
            try
            {
                switch (i % 4)
                {
                    case 0:
                        File.WriteAllBytes(temp["index.json"], Mutate(Encoding.UTF8.GetBytes(index), random));
                        FlistSource.Parse("oci:" + temp.Path).Open(NoScratch);
                        break;
                    case 1:
                        // The digest fits the changed bytes: as an attacker would send it.
                        JsonObject changed =
                            image.Put(Mutate(File.ReadAllBytes(temp["blobs/sha256/" + Sha256Digest.Parse((string)manifest["digest"]!).Hex]), random), "m");
                        image.Write(changed);
                        FlistSource.Parse("oci:" + temp.Path).Open(NoScratch);
                        break;
                    case 2:
                        OciLayout.DiffIds(Mutate(config, random), 1);
                        break;
                    default:
                        File.WriteAllBytes(temp["manifest.json"], Mutate(docker, random));
                        File.WriteAllBytes(temp["config.json"], config);
                        DockerArchive.Open(new StoredFiles(temp.Path, NoScratch), null);
                        break;
                }
                images++;
            }
            catch (FlistBuildException)
            {
                refused++;
            }
        }
        Assert.True(images > 100 && refused > 1000, $"{images} images, {refused} refusals");
    }

    private static byte[] Mutate(byte[] good, Random random)
    {
        byte[] bad = (byte[])good.Clone();
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(bad.Length);
            switch (random.Next(4))
            {
                case 0:
                    bad[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bad[at] = "{}[],:\"0n-"u8[random.Next(10)];
                    break;
                case 2:
                    bad = [.. bad[..at], .. "null"u8, .. bad[Math.Min(bad.Length, at + random.Next(60))..]];
                    break;
                default:
                    bad = bad[..Math.Max(1, random.Next(bad.Length))];
                    break;
            }
        }
        return bad;
    }

    private static JsonObject On(JsonObject descriptor, string os, string architecture, string variant = "")
    {
        var placed = (JsonObject)descriptor.DeepClone();
        placed["platform"] = new JsonObject { ["os"] = os, ["architecture"] = architecture };
        if (variant.Length > 0)
            placed["platform"]!["variant"] = variant;
        return placed;
    }

    private static byte[] Gzip(byte[] plain)
    {
        using var stored = new MemoryStream();
        using (var stream = new GZipStream(stored, CompressionLevel.Fastest))
            stream.Write(plain);
        return stored.ToArray();
    }

    private static string OpenRefusal(string source, string scratch = "") =>
        Assert.Throws<FlistBuildException>(() => FlistSource.Parse(source).Open(() => scratch)).Message;

    private static string NoScratch() => throw new InvalidOperationException("nothing here is compressed");

    private static string Refusal(TemporaryDirectory temp) =>
        Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(FlistSource.Parse("oci:" + temp.Path), temp["out"])).Message;
}
