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
            return FlistArtifact.Open(temp["out"], FlistBuilder.Build(FlistSource.Parse("oci:" + temp[name]), temp["out"]).ManifestDigest).Manifest.Index.Digest.ToString();
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
        Assert.Equal(digest, FlistSource.Parse($"oci:{temp.Path}:v2").Open().Subject!.Digest);
        Assert.Equal(digest, FlistSource.Parse($"oci:{temp.Path}:{digest}").Open().Subject!.Digest);
        Assert.Contains("v1, v2", Assert.Throws<FlistBuildException>(() => FlistSource.Parse($"oci:{temp.Path}").Open()).Message);
        Assert.Contains("v1, v2", Assert.Throws<FlistBuildException>(() => FlistSource.Parse($"oci:{temp.Path}:v3").Open()).Message);
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
        Assert.Equal(digest, FlistSource.Parse("oci:" + temp.Path).Open().Subject!.Digest);

        static JsonObject Platform(string os, string architecture) => new() { ["os"] = os, ["architecture"] = architecture };
    }

    [Fact]
    public void Image_for_another_processor_is_refused()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path) { Architecture = "arm64" }.AddLayer(s_layer);
        image.Write(image.Manifest());
        Assert.Contains("arm64", Assert.Throws<FlistBuildException>(() => FlistSource.Parse("oci:" + temp.Path).Open()).Message);
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
        File.Delete(blob);
        Assert.Contains("has no blobs/sha256", Refusal(temp));
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
        Assert.Throws<FlistBuildException>(() => FlistSource.Parse($"docker-archive:{path}:y").Open());
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
        byte[] config = File.ReadAllBytes(temp["blobs/sha256/" + Sha256Digest.Parse((string)JsonNode.Parse(File.ReadAllBytes(temp["blobs/sha256/" + Sha256Digest.Parse((string)manifest["digest"]!).Hex]))!["config"]!["digest"]!).Hex]);
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
                        FlistSource.Parse("oci:" + temp.Path).Open();
                        break;
                    case 1:
                        // The digest fits the changed bytes: as an attacker would send it.
                        JsonObject changed = image.Put(Mutate(File.ReadAllBytes(temp["blobs/sha256/" + Sha256Digest.Parse((string)manifest["digest"]!).Hex]), random), "m");
                        image.Write(changed);
                        FlistSource.Parse("oci:" + temp.Path).Open();
                        break;
                    case 2:
                        OciLayout.DiffIds(Mutate(config, random), 1);
                        break;
                    default:
                        File.WriteAllBytes(temp["manifest.json"], Mutate(docker, random));
                        File.WriteAllBytes(temp["config.json"], config);
                        DockerArchive.Open(new StoredFiles(temp.Path), null);
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

    private static string Refusal(TemporaryDirectory temp) =>
        Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(FlistSource.Parse("oci:" + temp.Path), temp["out"])).Message;
}
