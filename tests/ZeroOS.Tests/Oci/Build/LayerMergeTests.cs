using Xunit;

using ZeroOS.Formats.Erofs;
using ZeroOS.Formats.Tar;
using ZeroOS.Oci;
using ZeroOS.Oci.Build;
using ZeroOS.Tests.Formats.Tar;

namespace ZeroOS.Tests.Oci.Build;

public sealed class LayerMergeTests
{
    [Fact]
    public void Whiteout_removes_from_below_and_leaves_no_mark() =>
        Assert.Equal(["d", "d/kept"], Paths(Lower(t => t.Directory("d").File("d/gone", "").File("d/kept", "")), t => t.File("d/.wh.gone", "")));

    [Fact]
    public void Whiteout_of_a_directory_removes_what_is_in_it() =>
        Assert.Empty(Paths(Lower(t => t.Directory("d").Directory("d/e").File("d/e/f", "")), t => t.File(".wh.d", "")));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whiteout_leaves_what_its_own_layer_has_in_either_order(bool whiteoutFirst) =>
        Assert.Equal(["d", "d/new"], Paths(Lower(t => t.Directory("d").File("d/old", "")), t =>
        {
            if (whiteoutFirst)
                t.File(".wh.d", "").Directory("d").File("d/new", "");
            else
                t.Directory("d").File("d/new", "").File(".wh.d", "");
        }));

    [Fact]
    public void Opaque_directory_hides_below_but_not_its_own_entries_even_those_before_the_mark() =>
        Assert.Equal(["d", "d/new", "d/newer"], Paths(Lower(t => t.Directory("d").File("d/old", "").Directory("d/olddir").File("d/olddir/x", "")),
            t => t.Directory("d").File("d/new", "").File("d/.wh..wh..opq", "").File("d/newer", "")));

    [Fact]
    public void Aufs_bookkeeping_is_no_part_of_the_image_but_hard_links_may_name_it() => Assert.Equal(["a", "b"], Paths(Lower(t => t.File("a", "")),
        t => t.Directory(".wh..wh.plnk").File(".wh..wh.plnk/1.2", "")
            .File(".wh..wh.aufs", "").HardLink("b", ".wh..wh.plnk/1.2").HardLink(".wh..wh.orph/1", "nothing")));

    [Fact]
    public void Whiteout_of_nothing_is_refused() => Assert.Throws<FlistBuildException>(() => Merge([t => t.File("d/.wh.", "")]));

    [Fact]
    public void Whiteout_of_what_is_not_there_changes_nothing() =>
    Assert.Equal(["a"], Paths(Lower(t => t.File("a", "")), t => t.File(".wh.b", "").File("c/.wh.d", "")));

    [Fact]
    public void Whiteout_below_a_path_that_became_a_file_means_nothing() =>
        Assert.Equal(["d"], Paths(Lower(t => t.Directory("d").File("d/q", "")), t => t.File("d", "now").File("d/.wh.q", "")));

    [Fact]
    public void Directory_over_directory_keeps_children_and_takes_new_attributes()
    {
        ImageInode root = Merge([t => t.Directory("d", "0000700").File("d/a", ""), t => t.Directory("d", "0000711")]);
        Assert.Equal(0x41C9, root.Entries["d"].Mode); // 040711
        Assert.Equal(["d", "d/a"], Paths(root));
    }

    [Fact]
    public void Directory_only_on_the_way_keeps_the_attributes_from_below() =>
        Assert.Equal(0x41C0, Merge([t => t.Directory("d", "0000700"), t => t.File("d/a", "")]).Entries["d"].Mode);

    [Fact]
    public void Missing_parents_are_made_with_0755_of_root()
    {
        ErofsInode made = Merge([t => t.File("a/b/c", "")]).Entries["a"];
        Assert.Equal((0x41ED, 0u, 0L), (made.Mode, made.Uid, made.MtimeSeconds));
    }

    [Fact]
    public void File_replaces_directory_and_directory_replaces_file() =>
        Assert.Equal(["d", "f", "f/x"], Paths(Lower(t => t.Directory("d").File("d/a", "").File("f", "")), t => t.File("d", "").Directory("f").File("f/x", "")));

    [Fact]
    public void Hard_link_into_a_layer_below_is_the_same_inode()
    {
        ImageInode root = Merge([t => t.File("a", "text"), t => t.HardLink("b/c", "a")]);
        Assert.Same(root.Entries["a"], root.Entries["b"].Entries["c"]);
    }

    [Fact]
    public void Hard_link_survives_the_whiteout_of_its_target()
    {
        ImageInode root = Merge([t => t.File("a", "text"), t => t.File(".wh.a", "").HardLink("b", "a").HardLink("c", "b")]);
        Assert.Equal(["b", "c"], Paths(root));
        Assert.Same(root.Entries["b"], root.Entries["c"]);
    }

    [Fact]
    public void Replacing_one_name_leaves_the_other_names_of_the_inode()
    {
        ImageInode root = Merge([t => t.File("a", "old").HardLink("b", "a"), t => t.File("a", "newer")]);
        Assert.Equal((5L, 3L), (root.Entries["a"].Size, root.Entries["b"].Size));
    }

    [Fact]
    public void Hard_link_to_nothing_is_refused() => Assert.Throws<FlistBuildException>(() => Merge([t => t.HardLink("a", "b")]));

    [Fact]
    public void Hard_link_to_a_directory_is_refused()
    {
        Assert.Throws<FlistBuildException>(() => Merge([t => t.Directory("d").HardLink("a", "d")]));
        Assert.Throws<FlistBuildException>(() => Merge([t => t.Directory("d"), t => t.HardLink("a", "d")]));
    }

    [Fact]
    public void Entry_behind_a_link_of_its_own_layer_lies_where_the_link_leads_inside_the_image()
    {
        ImageInode root = Merge([t => t.Directory("etc").File("etc/passwd", "below"),
            t => t.SymbolicLink("l", "/etc").File("l/passwd", "new").SymbolicLink("m", "l/../l").File("m/group", "")]);
        Assert.Equal(["etc", "etc/group", "etc/passwd", "l", "m"], Paths(root));
        Assert.Equal(3L, root.Entries["etc"].Entries["passwd"].Size);
    }

    [Fact]
    public void Link_that_climbs_ends_at_the_root_of_the_image() =>
        Assert.Equal(["a", "a/up", "etc", "etc/x"], Paths(Merge([t => t.SymbolicLink("a/up", "../../../../etc").File("a/up/x", "")])));

    [Fact]
    public void Entry_behind_a_link_or_a_file_of_a_layer_below_makes_a_directory_that_hides_it()
    {
        ImageInode root = Merge([t => t.SymbolicLink("l", "usr").File("f", "").File("usr/x", ""), t => t.File("l/a/b", "").File("f/c", "")]);
        Assert.Equal(["f", "f/c", "l", "l/a", "l/a/b", "usr", "usr/x"], Paths(root));
        Assert.Equal(0x41ED, root.Entries["l"].Mode); // 040755
    }

    [Fact]
    public void Marks_alone_hide_neither_a_file_nor_a_link()
    {
        Assert.Equal(["f", "l", "usr", "usr/x"], Paths(Merge([t => t.SymbolicLink("l", "usr").File("f", "").File("usr/x", ""),
            t => t.File("l/.wh.x", "").File("f/g/.wh.h", "").File("l/.wh..wh..opq", "")])));
        Assert.Equal(["l", "usr", "usr/x"],
            Paths(Merge([t => t.Directory("l").File("l/x", "").File("usr/x", ""), t => t.SymbolicLink("l", "usr").File("l/.wh.x", "")])));
    }

    [Fact]
    public void Links_in_a_circle_and_links_to_endless_paths_are_refused()
    {
        Assert.Contains("too many symbolic links", Refusal(t => t.SymbolicLink("l", "l").File("l/x", "")));
        Assert.Contains("too many symbolic links", Refusal(t => t.SymbolicLink("a", "b/c").SymbolicLink("b", "a/d").File("a/x", "")));
        Assert.Contains("too many symbolic links", Refusal(t => t.SymbolicLink("l", "l").HardLink("x", "l/y")));
        // Each link triples the way: forty of them would be more steps than there is time for.
        Assert.Contains("too many symbolic links", Refusal(t =>
        {
            for (int i = 0; i < 40; i++)
                t.SymbolicLink($"l{i}", $"l{i + 1}/../l{i + 1}/../l{i + 1}");
            t.Directory("l40").File("l0/x", "");
        }));
        string deep = string.Concat(Enumerable.Repeat("d/", 1000));
        Assert.Contains("more than 4096 bytes",
            Refusal(t => t.Pax("linkpath", deep).SymbolicLink("l", "x").Pax("path", "l/" + deep + deep + "x").File("x", "")));
    }

    [Fact]
    public void Forty_links_are_followed()
    {
        Assert.Contains("l40/x", Paths(Merge([t => Chain(t, 40)])));
        Assert.Contains("too many symbolic links", Refusal(t => Chain(t, 41)));

        static void Chain(TarBytes tar, int links)
        {
            for (int i = 0; i < links; i++)
                tar.SymbolicLink($"l{i}", $"l{i + 1}");
            tar.Directory($"l{links}").File("l0/x", "");
        }
    }

    [Fact]
    public void Hard_link_is_found_through_links_of_either_layer()
    {
        ImageInode root = Merge([t => t.File("usr/lib/real", "text").SymbolicLink("lib", "usr/lib"),
            t => t.HardLink("a", "lib/real").SymbolicLink("lib64", "/usr/lib").HardLink("b", "lib64/real")]);
        Assert.Same(root.Entries["usr"].Entries["lib"].Entries["real"], root.Entries["a"]);
        Assert.Same(root.Entries["a"], root.Entries["b"]);
    }

    [Fact]
    public void Hard_link_to_a_link_shares_the_link()
    {
        ImageInode root = Merge([t => t.SymbolicLink("lib", "usr/lib"), t => t.HardLink("a", "lib")]);
        Assert.Same(root.Entries["lib"], root.Entries["a"]);
    }

    [Fact]
    public void File_of_the_same_layer_gives_way_to_the_directory_that_comes_after_it() =>
        Assert.Equal(["a", "a/b"], Paths(Merge([t => t.File("a", "first").File("a/b", "")])));

    [Fact]
    public void Directories_that_a_layer_only_names_are_counted()
    {
        var layer = new Layer(0);
        var reader = new TarReader(new MemoryStream(new TarBytes().File("a/b/c/d", "").File("a/b/e", "").File("f/.wh.g", "").ToArray()));
        while (reader.Next() is { } entry)
            layer.Add(entry, whiteouts: true);
        Assert.Equal(4, layer.ImpliedDirectories);
    }

    [Fact]
    public void Names_with_wh_in_a_plain_root_file_system_are_names()
    {
        var layer = new Layer(0);
        var reader = new TarReader(new MemoryStream(new TarBytes().File(".wh.a", "").ToArray()));
        layer.Add(reader.Next()!, whiteouts: false);
        Assert.NotNull(layer.Find(".wh.a"));
    }

    [Fact]
    public void Overlay_marks_and_unknown_attributes_are_left_out_and_counted()
    {
        var layer = new Layer(0);
        var tar = new TarBytes().Pax(("SCHILY.xattr.trusted.overlay.opaque", "y"u8.ToArray()), ("SCHILY.xattr.com.apple.x",
            [1]), ("SCHILY.xattr.user.a", [1])).Directory("d");
        layer.Add(new TarReader(new MemoryStream(tar.ToArray())).Next()!, whiteouts: true);
        Assert.Equal(2, layer.IgnoredXattrs);
        Assert.Equal(12 + 4 + 4, layer.Find("d")!.Inode!.Xattrs.Size);
    }

    private static string Refusal(Action<TarBytes> layer) => Assert.Throws<FlistBuildException>(() => Merge([layer])).Message;

    private static Action<TarBytes> Lower(Action<TarBytes> lower) => lower;

    private static IEnumerable<string> Paths(Action<TarBytes> lower, Action<TarBytes> upper) => Paths(Merge([lower, upper]));

    private static IEnumerable<string> Paths(ErofsInode root)
    {
        var paths = new List<string>();
        void Walk(ErofsInode directory, string prefix)
        {
            foreach ((string name, ErofsInode inode) in directory.Entries.OrderBy(e => e.Key, StringComparer.Ordinal))
            {
                paths.Add(prefix + name);
                Walk(inode, prefix + name + "/");
            }
        }
        Walk(root, "");
        return paths;
    }

    private static ImageInode Merge(Action<TarBytes>[] layers)
    {
        var merge = new LayerMerge();
        for (int i = 0; i < layers.Length; i++)
        {
            var tar = new TarBytes();
            layers[i](tar);
            var layer = new Layer(i);
            var reader = new TarReader(new MemoryStream(tar.ToArray()));
            while (reader.Next() is { } entry)
                layer.Add(entry, whiteouts: true);
            merge.Apply(layer, i);
        }
        return merge.Root;
    }
}
