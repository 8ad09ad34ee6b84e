using System.Text;

using Xunit;

using ZeroOS.Flist;
using ZeroOS.Oci;
using ZeroOS.Oci.Build;
using ZeroOS.Tests.Formats.Tar;

namespace ZeroOS.Tests.Oci.Build;

public sealed class FlistBuilderTests
{
    [Fact]
    public void Same_archive_in_another_directory_at_another_time_gives_the_same_digest()
    {
        using var one = new TemporaryDirectory();
        using var two = new TemporaryDirectory();
        BuildResult first = FlistBuilder.Build(FlistSource.Parse("tar:" + one.Write("a.tar", Sample())), one["out"]);
        string path = two.Write("b.tar", Sample());
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        Directory.CreateDirectory(two["out"]);
        BuildResult second = FlistBuilder.Build(FlistSource.Parse("rootfs:" + path), two["out"]);
        Assert.Equal(first, second);
        Assert.Equal(Directory.GetFiles(one["out/blobs/sha256"]).Select(Path.GetFileName).Order(),
            Directory.GetFiles(two["out/blobs/sha256"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Built_flist_opens_verifies_and_leaves_nothing_else_behind()
    {
        using var temp = new TemporaryDirectory();
        BuildResult result = FlistBuilder.Build(FlistSource.Parse("tar:" + temp.Write("a.tar", Sample())), temp["out"]);
        FlistArtifact flist = FlistArtifact.Open(temp["out"], result.ManifestDigest);
        flist.Verify(temp["device"]);
        Assert.Equal(result.DeviceBytes, new FileInfo(temp["device"]).Length);
        Assert.Equal(result.ChunkCount, flist.Index.ChunkCount);
        Assert.Equal(["blobs", "index.json", "oci-layout"], Directory.GetFileSystemEntries(temp["out"]).Select(Path.GetFileName).Order());
        Assert.Equal(3 + flist.Index.BlobCount, Directory.GetFiles(temp["out/blobs/sha256"]).Length);
    }

    [Fact]
    public void Metadata_is_flagged_as_needed_at_start_and_nothing_else_is()
    {
        using var temp = new TemporaryDirectory();
        FlistIndex index = Build(temp, "x", t => t.File("small", new string('s', 5000)).File("large", Noise(300_000, 1)));
        Assert.True(index[0].NeededAtStart);
        Assert.Equal(0, index[0].DeviceOffset);
        Assert.All(Enumerable.Range(1, index.ChunkCount - 1), i => Assert.False(index[i].NeededAtStart));
    }

    [Fact]
    public void Equal_large_files_in_different_images_are_equal_chunks_of_256_KiB()
    {
        using var temp = new TemporaryDirectory();
        FlistIndex one = Build(temp, "1", t => t.File("aaa", Noise(100, 3)).File("large", Noise(700_000, 1)));
        FlistIndex two = Build(temp, "2", t => t.File("b", Noise(20_000, 2)).File("z/other", Noise(700_000, 1)));
        Assert.Equal([262144, 262144, 176128], Large(one).Select(c => c.Length));
        Assert.Equal(Large(one).Select(c => c.PlainDigest), Large(two).Select(c => c.PlainDigest));

        static IEnumerable<FlistChunk> Large(FlistIndex index) => Enumerable.Range(0, index.ChunkCount).Select(i => index[i]).TakeLast(3);
    }

    [Fact]
    public void Small_files_share_packs_of_at_most_one_MiB()
    {
        using var temp = new TemporaryDirectory();
        FlistIndex index = Build(temp, "x", t =>
        {
            for (int i = 0; i < 100; i++)
                t.File($"f{i:d3}", Noise(30_000, i));
        });
        FlistChunk[] packs = [.. Enumerable.Range(0, index.ChunkCount).Select(i => index[i]).Where(c => !c.NeededAtStart)];
        Assert.Equal(4, packs.Length);
        Assert.All(packs, p => Assert.InRange(p.Length, 1, 1 << 20));
    }

    [Fact]
    public void Shared_base_layer_gives_identical_packs_whatever_lies_on_top()
    {
        using var temp = new TemporaryDirectory();
        var basis = new TarBytes();
        for (int i = 0; i < 60; i++)
            basis.File($"base/f{i:d2}", Noise(30_000, i));
        byte[] baseTar = basis.ToArray();
        HashSet<Sha256Digest> plain = BuildImage("1", baseTar),
            shadowed = BuildImage("2", baseTar, new TarBytes().File("base/f03", "x").File("base/.wh.f07", "").File("new", Noise(9000, 99)).ToArray());
        Assert.Equal(2, plain.Count);
        Assert.Subset(shadowed, plain);

        HashSet<Sha256Digest> BuildImage(string name, params byte[][] layers)
        {
            var image = new TestImage(Directory.CreateDirectory(temp[name]).FullName);
            foreach (byte[] layer in layers)
                image.AddLayer(layer);
            image.Write(image.Manifest());
            BuildResult result = FlistBuilder.Build(FlistSource.Parse("oci:" + temp[name]), temp[name + "-out"]);
            FlistIndex index = FlistArtifact.Open(temp[name + "-out"], result.ManifestDigest).Index;
            return [.. Enumerable.Range(0, index.ChunkCount).Where(i => !index[i].NeededAtStart).Select(i => index[i].PlainDigest)];
        }
    }

    [Fact]
    public void Zeros_have_no_chunk_and_equal_chunks_are_stored_once()
    {
        using var temp = new TemporaryDirectory();
        FlistIndex index = Build(temp, "x", t => t.File("one", Noise(262_144, 1)).File("two", Noise(262_144, 1)).File("zero", new string('\0', 1_000_000)));
        FlistChunk[] data = [.. Enumerable.Range(0, index.ChunkCount).Select(i => index[i]).Where(c => !c.NeededAtStart)];
        Assert.Equal(2, data.Length);
        Assert.Equal((data[0].Blob, data[0].BlobOffset), (data[1].Blob, data[1].BlobOffset));
        Assert.True(index.DeviceSize > 1_000_000 + data[1].DeviceEnd);
    }

    [Fact]
    public void Layout_that_holds_other_images_keeps_them()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(new TarBytes().File("a", "text").ToArray(), gzip: true);
        image.Write(TestImage.Tagged(image.Manifest(), "v1"));
        BuildResult result = FlistBuilder.Build(FlistSource.Parse($"oci:{temp.Path}:v1"), temp.Path);
        string index = File.ReadAllText(temp["index.json"]);
        Assert.Contains("\"v1\"", index);
        Assert.Contains(result.ManifestDigest, index);
        // And the flist beside it does not count as an image to choose from.
        Assert.Equal(result.ManifestDigest, FlistBuilder.Build(FlistSource.Parse($"oci:{temp.Path}"), temp.Path).ManifestDigest);
        Assert.Equal(index, File.ReadAllText(temp["index.json"]));
    }

    [Fact]
    public void Flist_of_an_image_names_it_as_its_subject_and_keeps_its_config()
    {
        using var temp = new TemporaryDirectory();
        var image = new TestImage(temp.Path).AddLayer(new TarBytes().File("a", "text").ToArray());
        string digest = (string)image.Manifest()["digest"]!;
        image.Write(image.Manifest());
        FlistArtifact flist = FlistArtifact.Open(temp["out"], FlistBuilder.Build(FlistSource.Parse("oci:" + temp.Path), temp["out"]).ManifestDigest);
        Assert.Contains($"\"subject\":{{\"mediaType\":\"application/vnd.oci.image.manifest.v1\\u002Bjson\",\"digest\":\"{digest}\"",
            Encoding.UTF8.GetString(flist.ManifestBytes));
        Assert.Contains("/bin/true", Encoding.UTF8.GetString(flist.Config));
    }

    [Fact]
    public void Failed_build_leaves_the_layout_as_it_was()
    {
        using var temp = new TemporaryDirectory();
        FlistBuilder.Build(FlistSource.Parse("tar:" + temp.Write("good.tar", Sample())), temp["out"]);
        string[] before = [.. Directory.GetFileSystemEntries(temp["out"], "*", SearchOption.AllDirectories).Order()];
        byte[] bad = [.. new TarBytes().File("large", Noise(500_000, 5)).ToArrayUnclosed(), .. new TarBytes().HardLink("a", "missing").ToArray()];
        Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(FlistSource.Parse("tar:" + temp.Write("bad.tar", bad)), temp["out"]));
        Assert.Equal(before, Directory.GetFileSystemEntries(temp["out"], "*", SearchOption.AllDirectories).Order());
    }

    [Fact]
    public void Limits_hold()
    {
        using var temp = new TemporaryDirectory();
        FlistSource sample = FlistSource.Parse("tar:" + temp.Write("a.tar", Sample()));
        Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(sample, temp["out"], null, new BuildLimits { MaxEntries = 2 }));
        Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(sample, temp["out"], null, new BuildLimits { MaxFileBytes = 1000 }));
        Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(sample, temp["out"], null, new BuildLimits { MaxLayerBytes = 1000 }));
        Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(sample, temp["out"], null, new BuildLimits { MaxLayers = 0 }));
        Assert.Contains("names and attributes",
            Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(sample, temp["out"], null, new BuildLimits { MaxNameBytes = 30 })).Message);
    }

    [Fact]
    public void Entries_that_name_thousands_of_directories_count_as_what_they_make()
    {
        using var temp = new TemporaryDirectory();
        var tar = new TarBytes();
        for (int i = 0; i < 20; i++)
            tar.Pax("path", $"{i}/{string.Concat(Enumerable.Repeat("d/", 1900))}x").File("x", "");
        FlistSource deep = FlistSource.Parse("tar:" + temp.Write("a.tar", tar.ToArray()));
        Assert.Contains("more than 10000 entries",
            Assert.Throws<FlistBuildException>(() => FlistBuilder.Build(deep, temp["out"], null, new BuildLimits { MaxEntries = 10_000 })).Message);
    }

    [Fact]
    public void Changed_blob_fails_verification()
    {
        using var temp = new TemporaryDirectory();
        BuildResult result = FlistBuilder.Build(FlistSource.Parse("tar:" + temp.Write("a.tar", Sample())), temp["out"]);
        FlistArtifact flist = FlistArtifact.Open(temp["out"], result.ManifestDigest);
        string blob = flist.BlobPath(flist.Manifest.Data[^1].Digest);
        byte[] bytes = File.ReadAllBytes(blob);
        bytes[^1] ^= 1;
        File.WriteAllBytes(blob, bytes);
        Assert.Throws<FlistBuildException>(() => flist.Verify());
        File.Delete(flist.BlobPath(flist.Manifest.Index.Digest));
        Assert.Throws<FlistBuildException>(() => FlistArtifact.Open(temp["out"], result.ManifestDigest));
    }

    private static FlistIndex Build(TemporaryDirectory temp, string name, Action<TarBytes> fill)
    {
        var tar = new TarBytes();
        fill(tar);
        BuildResult result = FlistBuilder.Build(FlistSource.Parse("tar:" + temp.Write(name + ".tar", tar.ToArray())), temp[name]);
        FlistArtifact flist = FlistArtifact.Open(temp[name], result.ManifestDigest);
        flist.Verify();
        return flist.Index;
    }

    private static byte[] Sample() => new TarBytes().Directory("etc").File("etc/passwd", "root:x:0:0::/:\n").SymbolicLink("bin", "usr/bin").Directory("usr/bin")
        .File("usr/bin/tool", Noise(400_000, 11), "0104755").HardLink("usr/bin/same", "usr/bin/tool").File("var/small", Noise(9_000, 12)).ToArray();

    private static string Noise(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return Encoding.Latin1.GetString(bytes);
    }
}
