using Xunit;

using ZeroOS.Oci.Build;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Linux.Files;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>
/// Images that broke other tools, each against the tree that is written down for it: the kernel mounts the flist and Mono.Posix reads it. Where
/// another program can read the layers, it is asked as well, so that the tree that is written down has a judge too.
/// </summary>
[Trait("tier", "kernel")]
public sealed class FieldImageTests
{
    private const string Umoci = "/usr/bin/umoci", Tar = "/usr/bin/tar", Mount = "/usr/bin/mount", Unmount = "/usr/bin/umount";

    public static TheoryData<int, string> Cases
    {
        get
        {
            TheoryData<int, string> cases = [];
            for (int i = 0; i < FieldImages.Table.Length; i++)
                cases.Add(i, FieldImages.Table[i].Name);
            return cases;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Image_becomes_the_tree_that_its_layers_mean(int number, string name)
    {
        MountedTree.Need();
        Assert.NotEmpty(name);
        FieldImage image = FieldImages.Table[number];
        using var temp = new TemporaryDirectory();
        Write(image, temp["layout"]);
        BuildResult result = FlistBuilder.Build(FlistSource.Parse($"oci:{temp["layout"]}:v1"), temp["out"]);
        FlistArtifact.Open(temp["out"], result.ManifestDigest).Verify(temp["device"]);
        SortedDictionary<string, string> tree = MountedTree.OfDevice(temp["device"], temp["mnt"]);
        Assert.Equal(Text(image.Tree.Lines()), Text(ExpectedTree.WithoutCounts(tree)));
        if (image.Judges.HasFlag(FieldJudges.Overlay))
            Assert.Equal(Text(ExpectedTree.Coarse(ByOverlay(image, temp))), Text(ExpectedTree.Coarse(tree)));
        if (image.Judges.HasFlag(FieldJudges.Umoci))
            Assert.Equal(Text(ExpectedTree.Coarse(ByUmoci(temp))), Text(ExpectedTree.Coarse(tree)));
    }

    private static string Text(SortedDictionary<string, string> tree) => string.Join('\n', tree.Select(line => $"{line.Key}: {line.Value}"));

    private static void Write(FieldImage image, string layout)
    {
        var test = new TestImage(Directory.CreateDirectory(layout).FullName);
        foreach (byte[] layer in Layers(image))
            test.AddLayer(layer, gzip: true);
        test.Write(TestImage.Tagged(test.Manifest(), "v1"));
    }

    private static IEnumerable<byte[]> Layers(FieldImage image) => image.Layers.Select(write =>
    {
        var tar = new TarBytes();
        write(tar);
        return tar.ToArray();
    });

    private static SortedDictionary<string, string> ByUmoci(TemporaryDirectory temp)
    {
        Skip.IfNot(File.Exists(Umoci), $"{Umoci} is not installed");
        ProgramRun.Of(Umoci, "unpack", "--image", temp["layout"] + ":v1", temp["bundle"]).Succeeded();
        return PosixTree.Describe(temp["bundle/rootfs"]);
    }

    private static SortedDictionary<string, string> ByOverlay(FieldImage image, TemporaryDirectory temp)
    {
        Skip.IfNot(File.ReadAllText("/proc/filesystems").Contains("overlay", StringComparison.Ordinal), "this kernel has no overlayfs");
        var directories = new List<string>();
        foreach (byte[] layer in Layers(image))
        {
            string directory = Directory.CreateDirectory(temp[$"layer{directories.Count}"]).FullName;
            ProgramRun.Of(Tar, "-C", directory, "--numeric-owner", "-xpf", temp.Write($"layer{directories.Count}.tar", layer)).Succeeded();
            directories.Insert(0, directory);
        }
        string merged = Directory.CreateDirectory(temp["merged"]).FullName;
        ProgramRun.Of(Mount, "-t", "overlay", "-o", "ro,lowerdir=" + string.Join(':', directories), "overlay", merged).Succeeded();
        try
        {
            return PosixTree.Describe(merged);
        }
        finally
        {
            ProgramRun.Of(Unmount, merged);
        }
    }
}
