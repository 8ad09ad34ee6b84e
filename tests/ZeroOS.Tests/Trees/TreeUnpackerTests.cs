using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Trees;

namespace ZeroOS.Tests.Trees;

/// <summary>Archives of tar(1), and of people who mean harm, laid into a directory.</summary>
[Trait("tier", "kernel")]
public sealed class TreeUnpackerTests : IDisposable
{
    private readonly TreeBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("--format=pax")]
    [InlineData("--format=gnu")]
    [InlineData("--format=ustar")]
    public void Archive_of_tar_becomes_the_same_tree(string format)
    {
        string name = new('n', 90);
        _bench.Make($"mkdir -p a/{name}; echo one > a/one; ln -s ../a/one a/{name}/link; ln a/one a/two; mkfifo a/pipe; : > a/empty; ln -s /etc a/dangling; "
            + $"chmod 600 a/one; touch -d @1000000000 a/one; chmod 700 a/{name}; touch -d @86400 a/{name} a");
        Assert.Equal(8, _bench.Unpack(_bench.TarOf(format + " a")));
        Assert.Equal(_bench.List(_bench.From), _bench.List(_bench.To));
        Assert.Equal(2ul, FileEntry.TryStatus(_bench.To + "/a/one")!.Value.Links);
    }

    [Fact]
    public void Sparse_file_keeps_its_holes()
    {
        _bench.Make("truncate -s 50M s; printf x | dd of=s bs=1 seek=30000000 conv=notrunc status=none");
        _bench.Unpack(_bench.TarOf("-S s"));
        Assert.Equal(50 << 20, FileEntry.TryStatus(_bench.To + "/s")!.Value.Size);
        Assert.InRange(FileEntry.AllocatedBytes(_bench.To + "/s"), 1, 1 << 20);
        Assert.Equal((byte)'x', File.ReadAllBytes(_bench.To + "/s")[30_000_000]);
    }

    [Fact]
    public void What_is_there_is_replaced_and_a_directory_that_is_there_stays_as_it_is()
    {
        Directory.CreateDirectory(_bench.To + "/d");
        File.WriteAllText(_bench.To + "/d/f", "old and longer");
        File.SetUnixFileMode(_bench.To + "/d", (UnixFileMode)0x1C0);
        using FileStream held = File.OpenRead(_bench.To + "/d/f");
        _bench.Unpack(new TarBytes().Directory("d/", "0000777").File("d/f", "new").ToArray());
        Assert.Equal("new", File.ReadAllText(_bench.To + "/d/f"));
        Assert.Equal(14, held.Length);      // not written into
        Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(_bench.To + "/d"));
        Assert.Equal(["f"], Directory.GetFileSystemEntries(_bench.To + "/d").Select(Path.GetFileName));
    }

    [SkippableFact]
    public void Owners_are_kept_when_asked_for_and_set_id_bits_never()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root");
        byte[] archive = new TarBytes().Directory("d/", "0007755").File("d/f", "x", "0006755").SymbolicLink("d/l", "f").Add("d/p", '6', []).ToArray();
        _bench.Unpack(archive, keepsOwners: true);
        Assert.Equal((1u, 2u, 0x1ED), Of("d/f"));
        Assert.Equal((1u, 2u, 0x3ED), Of("d"));
        Assert.Equal((1u, 2u), (Of("d/l").Item1, Of("d/l").Item2));
        Assert.Equal((1u, 2u), (Of("d/p").Item1, Of("d/p").Item2));
        _bench.Unpack(archive, name: "e");
        Assert.Equal((0u, 0u, 0x1ED), Of("e/f"));

        (uint, uint, int) Of(string path) => FileEntry.TryStatus($"{_bench.To}/{path}") is { } s ? (s.User, s.Group, s.Mode) : default;
    }

    [Fact]
    public void First_entry_has_the_name_it_is_given_and_nothing_lies_beside_it()
    {
        byte[] archive = new TarBytes().Directory("d/").File("d/f", "x").HardLink("d/g", "d/f").ToArray();
        _bench.Unpack(archive, "new");
        Assert.Equal(["f", "g"], Directory.GetFileSystemEntries(_bench.To + "/new").Select(Path.GetFileName).Order());
        _bench.Unpack(archive, "");
        Assert.True(File.Exists(_bench.To + "/f"));
        _bench.Unpack(new TarBytes().File("d", "file").ToArray(), "name");
        Assert.Equal("file", File.ReadAllText(_bench.To + "/name"));
        Assert.Throws<TreeException>(() => _bench.Unpack(new TarBytes().Directory("d/").File("dd", "x").ToArray(), "new"));
        Assert.Throws<TreeException>(() => _bench.Unpack(new TarBytes().File("d", "x").ToArray(), ""));
    }

    public static TheoryData<string, byte[]> Attacks => new()
    {
        { "climbs", new TarBytes().File("../outside", "evil").ToArray() },
        { "climbs in the middle", new TarBytes().Directory("d/").File("d/../../outside", "evil").ToArray() },
        { "absolute", new TarBytes().File("/tmp/zeroos-evil", "evil").ToArray() },
        { "device", new TarBytes().Add("null", '3', []).ToArray() },
        { "block device", new TarBytes().Add("sda", '4', []).ToArray() },
        { "hard link out", new TarBytes().HardLink("l", "../outside").ToArray() },
        { "absolute hard link", new TarBytes().HardLink("l", "/etc/passwd").ToArray() },
        { "hard link to nothing", new TarBytes().HardLink("l", "").ToArray() },
        { "unknown kind", new TarBytes().Add("x", 'Z', []).ToArray() },
        { "cut in a file", new TarBytes().File("f", new string('x', 5000)).ToArray()[..2000] },
        { "cut in a head", new TarBytes().File("f", "x").ToArrayUnclosed()[..300] },
        { "checksum", [.. new TarBytes().File("f", "x").ToArray().Select((b, i) => i == 5 ? (byte)'y' : b)] },
        { "huge", new TarBytes().Pax(("size", "99999999999999999"u8.ToArray())).File("f", "").ToArray() },
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Attack_is_refused_before_anything_is_done(string attack, byte[] archive)
    {
        Assert.NotEmpty(attack);
        Exception refusal = Assert.ThrowsAny<Exception>(() => TreeChecker.Check(new MemoryStream(archive), _bench));
        Assert.True(refusal is TarException or TreeException, refusal.ToString());
        _bench.AssertNothing();
        // And by whoever unpacks without having checked.
        refusal = Assert.ThrowsAny<Exception>(() => _bench.Unpack(archive));
        Assert.True(refusal is TarException or TreeException, refusal.ToString());
        _bench.AssertOutside();
        Assert.False(File.Exists("/tmp/zeroos-evil"));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("/")]
    [InlineData("d")]
    public void Link_that_the_archive_makes_is_not_followed(string target)
    {
        Directory.CreateDirectory(_bench.To + "/d");
        byte[] archive = new TarBytes().SymbolicLink("l", target).File("l/outside", "evil").ToArray();
        Assert.Contains("through a symbolic link", Assert.Throws<TreeException>(() => _bench.Unpack(archive)).Message, StringComparison.Ordinal);
        archive = new TarBytes().SymbolicLink("m", target + "/outside").File("m", "mine").ToArray();
        _bench.Unpack(archive);
        Assert.Equal("mine", File.ReadAllText(_bench.To + "/m"));
        archive = new TarBytes().SymbolicLink("n", "../outside").HardLink("o", "n").ToArray();
        Assert.Throws<TreeException>(() => _bench.Unpack(archive));
        archive = new TarBytes().SymbolicLink("q", target).Directory("q/").ToArray();
        Assert.Throws<TreeException>(() => _bench.Unpack(archive));
        Assert.Empty(Directory.GetFileSystemEntries(_bench.To + "/d"));
        _bench.AssertOutside();
    }

    [Fact]
    public void Directory_that_becomes_a_link_meanwhile_is_not_followed()
    {
        Directory.CreateDirectory(_bench.From + "/secret");
        byte[] archive = new TarBytes().Directory("d/").File("a", "x").File("d/evil", "x").ToArray();
        TreeException refusal = Assert.Throws<TreeException>(() => _bench.Unpack(archive, before: path =>
        {
            if (path != "a")
                return;
            Directory.Delete(_bench.To + "/d");
            Directory.CreateSymbolicLink(_bench.To + "/d", _bench.From + "/secret");
        }));
        Assert.Contains("through a symbolic link", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_bench.From + "/secret"));
        Assert.True(File.Exists(_bench.To + "/a"));     // what came before is there
    }

    [Fact]
    public void Name_that_becomes_a_link_meanwhile_is_replaced_and_not_followed()
    {
        _bench.Unpack(new TarBytes().File("f", "mine").ToArray(), before: _ => File.CreateSymbolicLink(_bench.To + "/f", _bench.Outside));
        Assert.Null(new FileInfo(_bench.To + "/f").LinkTarget);
        Assert.Equal("mine", File.ReadAllText(_bench.To + "/f"));
        _bench.AssertOutside();
    }

    [Fact]
    public void Directory_and_file_do_not_take_each_others_place()
    {
        Directory.CreateDirectory(_bench.To + "/d");
        File.WriteAllText(_bench.To + "/f", "there");
        Assert.Contains("is a directory there", Refusal(new TarBytes().File("d", "x")), StringComparison.Ordinal);
        Assert.Contains("is a directory there", Refusal(new TarBytes().SymbolicLink("d", "x")), StringComparison.Ordinal);
        Assert.Contains("is no directory", Refusal(new TarBytes().Directory("f/")), StringComparison.Ordinal);
        Assert.Contains("is no directory", Refusal(new TarBytes().File("f/x", "x")), StringComparison.Ordinal);
        Assert.Equal("there", File.ReadAllText(_bench.To + "/f"));
        Assert.Equal(2, Directory.GetFileSystemEntries(_bench.To).Length);

        string Refusal(TarBytes archive) => Assert.Throws<TreeException>(() => _bench.Unpack(archive.ToArray())).Message;
    }

    [Theory]
    [InlineData("t/l", "/etc/passwd", false)]
    [InlineData("t/l", "../x", false)]
    [InlineData("t/l", "x", true)]
    [InlineData("t/l", "./x//y", true)]
    [InlineData("t/a/l", "../x", true)]
    [InlineData("t/a/l", "../../x", false)]
    [InlineData("t/a/l", "x/../../y", false)]   // x may be a link to the top
    [InlineData("t/a/b/l", "../../x", true)]
    [InlineData("t", "x", true)]
    [InlineData("t", "../x", false)]
    public void Link_that_leads_out_is_left_out_where_people_work(string path, string target, bool isMade)
    {
        TarBytes archive = new();
        if (path != "t")
            archive.Directory("t/");
        _bench.Unpack(archive.SymbolicLink(path, target).ToArray(), "new", local: true);
        string made = _bench.To + "/new" + path[1..];
        Assert.Equal(isMade ? target : null, new FileInfo(made).LinkTarget);
        Assert.Equal(isMade ? 0 : 1, _bench.Notes.Count);
    }

    [Fact]
    public void Unfinished_file_leaves_nothing()
    {
        byte[] archive = new TarBytes().File("f", new string('x', 5000)).ToArray()[..2000];
        Assert.Throws<TarException>(() => _bench.Unpack(archive));
        _bench.AssertNothing();
    }
}
