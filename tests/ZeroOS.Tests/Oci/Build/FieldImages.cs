namespace ZeroOS.Tests.Oci.Build;

/// <summary>Images of the kinds that users of other tools reported as broken: legal or tolerated everywhere, and easy to get wrong.</summary>
internal static class FieldImages
{
    private const FieldJudges Both = FieldJudges.Overlay | FieldJudges.Umoci;

    public static readonly FieldImage[] Table =
    [
        new("opaque marker and whiteouts behind the files of their own layer",
            [
                t => t.Directory("d").File("d/old", "old").Directory("d/sub")
                    .File("d/sub/deep", "x").SymbolicLink("d/lnk", "old").File("keep", "1").Directory("e").File("e/x", "lower"),
                t => t.Directory("d").File("d/new", "new").SymbolicLink("d/lnk", "new")
                    .File("d/.wh..wh..opq", "").File("e/x", "upper").File("e/.wh.x", "").File(".wh.keep", ""),
            ],
            new ExpectedTree().Directory("d").File("d/new", "new").SymbolicLink("d/lnk", "new").Directory("e").File("e/x", "upper")),
        new("directory and its children whited out at once, and what never was",
            [
                t => t.Directory("t").Directory("t/in").File("t/in/file", "x").File("t/a", "a").File("stay", "s"),
                t => t.File(".wh.t", "").File("t/.wh.in", "").File("t/in/.wh.file", "").File(".wh.never", "").File("nowhere/at/all/.wh.x", ""),
            ],
            new ExpectedTree().File("stay", "s")),
        new("file of a layer below becomes a parent",
            [
                t => t.Directory("a").File("a/b", "i was a file").Directory("w").File("w/x", "gone"),
                t => t.File("a/b/c/d", "deep").File("w/x/y/z", "deeper"),
            ],
            new ExpectedTree().Directory("a").Implied("a/b")
                .Implied("a/b/c").File("a/b/c/d", "deep").Directory("w").Implied("w/x").Implied("w/x/y").File("w/x/y/z", "deeper"),
            FieldJudges.Overlay),
        new("directory entry over a link of a layer below",
            [t => t.Directory("usr/lib").File("usr/lib/base", "base").SymbolicLink("lib", "usr/lib"), t => t.Directory("lib").File("lib/new", "new")],
            new ExpectedTree().Implied("usr").Directory("usr/lib").File("usr/lib/base", "base").Directory("lib").File("lib/new", "new"),
            Both),
        new("file behind a link of a layer below, without a directory entry",
            [t => t.Directory("usr/lib").File("usr/lib/base", "base").SymbolicLink("lib", "usr/lib"), t => t.File("lib/x86/new", "new", "0000755")],
            new ExpectedTree().Implied("usr").Directory("usr/lib")
                .File("usr/lib/base", "base").Implied("lib").Implied("lib/x86").File("lib/x86/new", "new", "755"),
            FieldJudges.Overlay),
        new("file behind a link of its own layer",
            [t => t.Directory("usr").Directory("usr/lib").File("usr/lib/base", "base"),
                t => t.Directory("usr/lib").SymbolicLink("lib", "usr/lib").File("lib/foo", "foo")],
            new ExpectedTree().Directory("usr").Directory("usr/lib").File("usr/lib/base", "base").SymbolicLink("lib", "usr/lib").File("usr/lib/foo", "foo"),
            Both),
        new("file behind an absolute link of its own layer, and behind one that climbs out",
            [t => t.File("etc/passwd", "root"),
                t => t.SymbolicLink("evil", "/etc").File("evil/passwd", "ours").SymbolicLink("srv/up", "../../../etc").File("srv/up/group", "g")],
            new ExpectedTree().Implied("etc").File("etc/passwd", "ours")
                .SymbolicLink("evil", "/etc").Implied("srv").SymbolicLink("srv/up", "../../../etc").File("etc/group", "g"),
            FieldJudges.Umoci),
        new("hard links: parent without entry, to a link, chained, dots and slashes in the target, one name replaced above",
            [
                t => t.File("app/tool", "tool", "0000755").HardLink("app/run/main/tool", "app/tool")
                    .SymbolicLink("app/sym", "tool").HardLink("app/symtwin", "app/sym")
                    .HardLink("app/chain", "app/run/main/tool")
                    .HardLink("app/dot", "./app/tool").HardLink("app/abs", "/app/tool").File("pair/one", "both").HardLink("pair/two", "pair/one"),
                t => t.File("pair/one", "changed"),
            ],
            new ExpectedTree().Implied("app").Implied("app/run")
                .Implied("app/run/main").File("app/abs", "tool", "755").Same("app/chain", "app/abs").Same("app/dot", "app/abs")
                .Same("app/run/main/tool", "app/abs").Same("app/tool", "app/abs").SymbolicLink("app/sym", "tool").Same("app/symtwin", "app/sym")
                .Implied("pair").File("pair/one", "changed").File("pair/two", "both"),
            FieldJudges.Umoci),
        new("hard link to a file of the layer below, also through a link of that layer",
            [t => t.Directory("usr/lib").File("usr/lib/real", "real").SymbolicLink("lib", "usr/lib"),
                t => t.HardLink("opt/copy", "lib/real").HardLink("usr/lib/twin", "usr/lib/real")],
            new ExpectedTree().Implied("opt").File("opt/copy", "real")
                .Implied("usr").Directory("usr/lib").Same("usr/lib/real", "opt/copy").Same("usr/lib/twin", "opt/copy").SymbolicLink("lib", "usr/lib"),
            FieldJudges.Umoci),
        new("kinds replaced: directory by link and by file, link by directory, attributes changed",
            [
                t => t.Directory("full").File("full/a", "a").Directory("tofile")
                    .File("tofile/a", "a").SymbolicLink("link", "full").Directory("attr", "0000700").File("attr/stay", "s")
                    .Directory("empty").File("same", "one").SymbolicLink("dangling", "/nowhere/at/all").SymbolicLink("loop", "loop"),
                t => t.SymbolicLink("full", "elsewhere").File("tofile", "file now")
                    .Directory("link").File("link/in", "dir now").Directory("attr", "0000711").File("same", "two"),
            ],
            new ExpectedTree().SymbolicLink("full", "elsewhere")
                .File("tofile", "file now").Directory("link").File("link/in", "dir now").Directory("attr", "711").File("attr/stay", "s")
                .Directory("empty").File("same", "two").SymbolicLink("dangling", "/nowhere/at/all").SymbolicLink("loop", "loop"),
            Both),
        new("same name twice in one layer: the last counts",
            [t => t.Directory("u").File("u/f", "first", "0000600").File("u/f", "second")
                .Directory("u/was").File("u/was/x", "x").File("u/was", "file").File("u/p", "p").File("u/p/q", "q").Directory("u", "0000711")],
            new ExpectedTree().Directory("u", "711").File("u/f", "second").File("u/was", "file").Implied("u/p").File("u/p/q", "q")),
        new("bookkeeping of AUFS, and a hard link into it",
            [t => t.File(".wh..wh.aufs", "").Directory(".wh..wh.orph", "0000700")
                .Directory(".wh..wh.plnk", "0000700").File(".wh..wh.plnk/88.1234", "x").HardLink("real", ".wh..wh.plnk/88.1234")
                .HardLink(".wh..wh.plnk/99.1", "nothing").File("sub/.wh.gone/left", "l").Directory("sub")],
            new ExpectedTree().File("real", "x").Directory("sub")),
        new("names of any bytes",
            [t => t.Directory("n").File("n/caf\xe9", "1").File("n/caf\xc3\xa9", "2")
                .File("n/cafe\xcc\x81", "3").File("n/new\nline", "4").File("n/back\\slash", "5").File("n/per%cent", "6").File("n/-rf", "7")
                .File("n/ lead", "8").File("n/\x7f\x01", "9").File("n/README", "a").File("n/readme", "b").File("n/...", "c").SymbolicLink("n/to", "caf\xe9")],
            // Mono.Posix shows a byte that is no UTF-8 as a NUL and the byte.
            new ExpectedTree().Directory("n").File("n/caf\0\u00e9", "1").File("n/caf\u00e9", "2")
                .File("n/cafe\u0301", "3").File("n/new\nline", "4").File("n/back\\slash", "5").File("n/per%cent", "6").File("n/-rf", "7")
                .File("n/ lead", "8").File("n/\x7f\x01", "9").File("n/README", "a").File("n/readme", "b").File("n/...", "c").SymbolicLink("n/to", "caf\xe9")),
    ];
}
