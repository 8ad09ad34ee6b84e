using Xunit;

using ZeroOS.Formats.Erofs;
using ZeroOS.Formats.Tar;
using ZeroOS.Oci;
using ZeroOS.Oci.Build;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>Layers of few names, so that links, marks, files and directories meet in every order.</summary>
public sealed class LayerFuzz
{
    private static readonly string[] s_names = ["a", "b", "c", ".wh.a", ".wh.b", ".wh..wh..opq", ".wh..wh.plnk", "d"];
    private static readonly string[] s_targets = ["a", "/a", "../a", "b/c", "/", ".", "..", "a/../b", "../../../c", "/a/b/c", "c/c/c", "nowhere"];

    [Fact]
    public void Twenty_thousand_images_become_a_tree_or_are_refused()
    {
        int trees = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            try
            {
                trees += Run(seed) ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
        Assert.InRange(trees, 5_000, 19_900);
    }

    /// <summary>An entry point for fuzzing: an image is refused with its own exception, or is a tree that can be laid out and has no mark in it.</summary>
    internal static bool Run(int seed)
    {
        Random random = new(seed);
        LayerMerge merge = new();
        try
        {
            for (int number = random.Next(1, 4); number > 0; number--)
            {
                Layer layer = new(number);
                for (int entries = random.Next(1, 12); entries > 0; entries--)
                    layer.Add(Entry(random), whiteouts: true);
                merge.Apply(layer, number);
            }
        }
        catch (FlistBuildException refused)
        {
            Assert.NotEmpty(refused.Message);
            return false;
        }
        HashSet<ErofsInode> directories = [];
        Check(merge.Root, 0, directories);
        Assert.True(ErofsLayout.Plan(merge.Root).Write(1000).Length > 0);
        return true;
    }

    private static void Check(ErofsInode directory, int depth, HashSet<ErofsInode> directories)
    {
        Assert.True(directories.Add(directory), "a directory has two names");
        Assert.InRange(depth, 0, 64);
        foreach ((string name, ErofsInode inode) in directory.Entries)
        {
            Assert.False(name.StartsWith(".wh.", StringComparison.Ordinal) || name is "" or "." or ".." || name.Contains('/'), name);
            if (inode.IsDirectory)
                Check(inode, depth + 1, directories);
            else
                Assert.Empty(inode.Entries);
        }
    }

    private static TarEntry Entry(Random random)
    {
        TarEntryType type = (TarEntryType)random.Next(Enum.GetValues<TarEntryType>().Length);
        return new TarEntry
        {
            Type = type,
            Path = Path(random),
            LinkTarget = type switch
            {
                TarEntryType.SymbolicLink => s_targets[random.Next(s_targets.Length)],
                TarEntryType.HardLink => Path(random),
                _ => "",
            },
            Mode = 0x1ED,
        };
    }

    /// <summary>One to four names, marks more rarely.</summary>
    private static string Path(Random random) =>
        string.Join('/', Enumerable.Range(0, random.Next(1, 5)).Select(_ => s_names[random.Next(4) == 0 ? random.Next(s_names.Length) : random.Next(3)]));
}
