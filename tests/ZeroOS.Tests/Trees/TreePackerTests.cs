using System.Net.Sockets;
using System.Text;

using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Trees;

namespace ZeroOS.Tests.Trees;

/// <summary>Trees that are packed, as tar(1) reads them, and while somebody changes them.</summary>
[Trait("tier", "kernel")]
public sealed class TreePackerTests : IDisposable
{
    private readonly TreeBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Tar_unpacks_the_same_tree()
    {
        string name = new('n', 200);
        _bench.Make($"mkdir -p a/b/{name}; echo one > a/one; printf x > a/b/{name}/{name}; chmod 4750 a/one; ln -s ../a/one a/b/link; ln -s /to dangling; "
            + $"ln a/one a/two; mkfifo pipe; : > empty; head -c 1536 /dev/zero > blocks; ln -s /{name} long; touch -d @1000000000 a/one; touch -d @-5 empty; "
            + "printf 'd\\377' > \"$(printf 'b\\377')\"; chmod 1777 a; touch -d @86400 a/b a .");
        byte[] archive = _bench.Pack(asName: "");
        _bench.Tar("-xp --same-owner", archive);
        Assert.Equal(_bench.List(_bench.From, owners: true), _bench.List(_bench.To, owners: true));
        Assert.Equal(2ul, FileEntry.TryStatus(_bench.To + "/a/one")!.Value.Links);
        Assert.Empty(_bench.Notes);
    }

    [Fact]
    public void Tree_and_file_have_the_name_they_are_given()
    {
        _bench.Make("mkdir d; echo x > d/f");
        Assert.Equal("t/\nt/f\n", _bench.Tar("-t", _bench.Pack("d")));
        Assert.Equal("t\n", _bench.Tar("-t", Pack("d/f")));
        Assert.Equal("./\nf\n", _bench.Tar("-t", _bench.Pack("d", "")));

        byte[] Pack(string path) => _bench.Make($"ln {path} alone").Pack("alone");
    }

    [SkippableFact]
    public void Devices_and_sockets_are_left_out_and_said()
    {
        Skip.IfNot(Environment.UserName == "root", "needs root");
        _bench.Make("mkdir d; mknod d/null c 1 3; echo x > d/f");
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, 0);
        socket.Bind(new UnixDomainSocketEndPoint(_bench.From + "/d/s"));
        Assert.Equal("t/\nt/f\n", _bench.Tar("-t", _bench.Pack("d")));
        Assert.Equal(["left out t/null: it is a device", "left out t/s: it is a socket"], _bench.Notes);
        Assert.Throws<TreeException>(() => _bench.Make("mv d/null .").Pack("null"));
    }

    [Fact]
    public void Notes_are_bounded()
    {
        _bench.Make($"mkdir d; for i in $(seq 1 {TreeLimits.Notes + 3}); do echo x > d/$i; done");
        _bench.Pack("d", looked: name => _bench.Make($"rm d/{name}"));
        Assert.Equal(TreeLimits.Notes + 1, _bench.Notes.Count);
        Assert.Equal("and 3 more of this kind", _bench.Notes[^1]);
    }

    [Theory]
    [InlineData("echo longer >> d/f", "cut at 2 bytes", "1\n")]
    [InlineData(": > d/f", "last 2 bytes are zeros", "\0\0")]
    public void File_that_changes_its_size_has_the_size_it_was_announced_with(string change, string note, string content)
    {
        _bench.Make("mkdir d; echo 1 > d/f");
        bool done = false;
        // After its head is written: the writer hears of the entry before the file is read.
        byte[] archive = PackChanging(() =>
        {
            if (!done)
                _bench.Make(change);
            done = true;
        });
        Assert.Equal(content, Content(archive));
        Assert.Contains(note, Assert.Single(_bench.Notes), StringComparison.Ordinal);

        static string Content(byte[] archive)
        {
            TarReader tar = new(new MemoryStream(archive));
            while (tar.Next() is { } entry)
            {
                if (entry.Path != "t/f")
                    continue;
                byte[] buffer = new byte[64];
                return Encoding.UTF8.GetString(buffer, 0, tar.Read(buffer, out _));
            }
            return "";
        }
    }

    [Theory]
    [InlineData("rm d/f; ln -s ../../outside d/f")]
    [InlineData("rm d/f; mkfifo d/f")]
    [InlineData("rm d/f")]
    public void File_that_becomes_something_else_before_it_is_opened_is_left_out(string change)
    {
        _bench.Make("mkdir d; echo inside > d/f");
        byte[] archive = _bench.Pack("d", looked: _ => _bench.Make(change));
        Assert.Equal("t/\n", _bench.Tar("-t", archive));
        Assert.DoesNotContain("outside", Encoding.Latin1.GetString(archive), StringComparison.Ordinal);
        Assert.StartsWith("left out t/f", Assert.Single(_bench.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_that_becomes_a_link_before_it_is_opened_is_left_out()
    {
        _bench.Make("mkdir -p d/a secret; echo inside > d/f; echo secret > secret/s");
        byte[] archive = _bench.Pack("d", looked: name => _bench.Make("rmdir d/a; ln -s ../secret d/a"));
        Assert.Equal("t/\nt/f\n", _bench.Tar("-t", archive));
        Assert.StartsWith("left out t/a", Assert.Single(_bench.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_beyond_the_budget_and_entries_beyond_the_most_end_the_copy()
    {
        _bench.Make("mkdir d; touch d/1 d/2 d/3");
        Assert.True(Limited(new TreeBudget(entries: 3)).IsLimit);
        Assert.True(Limited(new TreeBudget(nameBytes: 100)).IsLimit);

        TreeException Limited(TreeBudget budget)
        {
            using OpenDirectory directory = OpenDirectory.Open(_bench.From);
            return Assert.Throws<TreeException>(() => new TreePacker(new(_ => { }), _bench) { Budget = budget }.Pack(directory, "d", "t"));
        }
    }

    [Fact]
    public void Path_that_is_too_long_ends_the_copy_however_deep_the_tree_is()
    {
        string name = new('d', 250);
        _bench.Make($"i=0; while [ $i -lt 14 ]; do mkdir {name}; cd {name}; i=$((i+1)); done");
        Assert.True(Assert.Throws<TreeException>(() => _bench.Pack(asName: new string('n', 1000))).IsLimit);
    }

    private byte[] PackChanging(Action change)
    {
        using MemoryStream archive = new();
        TarWriter tar = new(bytes =>
        {
            archive.Write(bytes);
            if (Encoding.Latin1.GetString(bytes).StartsWith("t/f\0", StringComparison.Ordinal))
                change();
        });
        using OpenDirectory directory = OpenDirectory.Open(_bench.From);
        new TreePacker(tar, _bench).Pack(directory, "d", "t");
        tar.End();
        return archive.ToArray();
    }
}
