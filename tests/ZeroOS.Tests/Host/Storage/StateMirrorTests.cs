using ZeroOS.Host.Storage;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>The state directories of three disks, which are folders here.</summary>
public sealed class StateMirrorTests : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("zeroos-state").FullName;
    private readonly List<string> _log = [];

    public StateMirrorTests()
    {
        foreach (string disk in (string[])["a", "b", "c"])
            Directory.CreateDirectory(At(disk));
    }

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public void The_others_get_every_file_of_the_first_and_lose_what_it_does_not_have()
    {
        Put("a", "names.key", "key");
        Put("a", "lease-1", "lease");
        Put("a", "node.db.schema1", "copy");
        Put("a", "node.db", "open, and not to be copied as a file");
        Put("a", "identity", "of a");
        Put("b", "identity", "of b");
        Put("a", "ledger", "of a");
        Put("b", "names.key", "another");
        Put("b", "old", "gone from a");
        using StateMirror mirror = Mirror("a", "b");
        mirror.Begin(directory => File.WriteAllText(Path.Combine(directory, "node.db"), "by the store"));
        Assert.Equal(["identity=of b", "lease-1=lease", "names.key=key", "node.db.schema1=copy", "node.db=by the store"], Files("b"));
        Assert.Equal((1UL, 1UL), (Generation("a"), Generation("b")));
        Put("a", "clock", "now");
        mirror.CopyFiles();
        Assert.Contains("clock=now", Files("b"));
    }

    [Fact]
    public void The_newest_wins_and_a_disk_that_was_away_follows_whatever_it_had()
    {
        using (StateMirror both = Mirror("a", "b"))
        {
            Put("a", "names.key", "old");
            both.Begin(_ => { });
        }
        // The first disk is taken out; the node goes on with the second.
        using (StateMirror alone = Mirror("b"))
        {
            alone.Begin(_ => { });
            alone.Write("names.key", "new"u8);
        }
        Assert.Equal(["b", "a", "c"], Newest("a", "b", "c"));
        using StateMirror again = Mirror("b", "a");
        again.Begin(_ => { });
        Assert.Equal("new", File.ReadAllText(Path.Combine(At("a"), "names.key")));
        Assert.Equal(["a", "b"], Newest("b", "a"));    // equal again: the first of the pool
    }

    [Fact]
    public void A_disk_whose_copy_was_not_finished_has_none()
    {
        using (StateMirror both = Mirror("a", "b"))
            both.Begin(_ => { });
        using StateMirror broken = Mirror("a", "b");
        broken.Begin(_ => throw new IOException("the cable"));
        Assert.Equal(0UL, Generation("b"));
        Assert.Equal([At("a")], broken.Directories);
        Assert.True(Generation("a") > 1);
        Assert.False(broken.Strike(At("a"), "and now the first"));  // nothing else has the state: it is used as long as it can be
    }

    [Fact]
    public void A_disk_that_fails_is_struck_on_the_others_first_and_never_the_newest_again()
    {
        using StateMirror mirror = Mirror("a", "b", "c");
        int lost = 0;
        mirror.PrimaryLost += () => lost++;
        mirror.Begin(_ => { });
        Assert.Null(mirror.Trouble);
        Assert.True(mirror.Strike(At("a"), "EIO"));
        Assert.Equal((1UL, 2UL, 2UL), (Generation("a"), Generation("b"), Generation("c")));
        Assert.Equal([At("b"), At("c")], mirror.Directories);
        Assert.Equal("a disk with the node's state failed: EIO", mirror.Trouble);
        Assert.False(mirror.Strike(At("a"), "again"));
        Assert.Equal(1, lost);
        Assert.Equal(["b", "c", "a"], Newest("a", "b", "c"));
    }

    [Fact]
    public void A_file_is_on_every_disk_when_its_writing_returns_and_a_disk_that_refuses_it_is_struck()
    {
        using StateMirror mirror = Mirror("a", "b", "c");
        mirror.Begin(_ => { });
        Directory.Delete(At("c"), recursive: true);
        mirror.Write("ledger", "spent"u8);
        Assert.Equal(["ledger=spent"], Files("b"));
        Assert.Equal([At("a"), At("b")], mirror.Directories);
        Assert.Equal((2UL, 2UL), (Generation("a"), Generation("b")));
    }

    [Fact]
    public void A_damaged_generation_is_none()
    {
        StateGeneration.Write(At("a"), ulong.MaxValue);
        string file = Path.Combine(At("a"), StateGeneration.FileName);
        byte[] bytes = File.ReadAllBytes(file);
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] bad = bytes[..];
            bad[i] ^= 1;
            File.WriteAllBytes(file, bad);
            Assert.Equal(0UL, Generation("a"));
        }
        File.WriteAllBytes(file, bytes);
        Assert.Equal(ulong.MaxValue, Generation("a"));
    }

    [Fact]
    public void What_a_node_kept_in_memory_moves_to_its_first_disk()
    {
        Put("a", "identity", "who");
        Put("a", "node.db", "grants");
        Put("a", "node.db-wal", "the last of them");
        Put("a", "node.db-shm", "memory of a process");
        Put("a", "clock.new", "half");
        StateMirror.Adopt(At("a"), At("b"));
        Assert.Equal(["identity=who", "node.db-wal=the last of them", "node.db=grants"], Files("b"));
    }

    private StateMirror Mirror(params string[] disks) => new([.. disks.Select(At)], new LineLog(_log.Add));

    private IEnumerable<string> Newest(params string[] disks) => StateMirror.NewestFirst(disks, d => (At(d), (uint)d[0]));

    private string At(string disk) => Path.Combine(_base, disk);

    private void Put(string disk, string name, string text) => File.WriteAllText(Path.Combine(At(disk), name), text);

    private ulong Generation(string disk) => StateGeneration.Read(At(disk));

    private string[] Files(string disk) =>
        [.. Directory.EnumerateFiles(At(disk)).Where(f => Path.GetFileName(f) != StateGeneration.FileName)
            .Select(f => $"{Path.GetFileName(f)}={File.ReadAllText(f)}").Order(StringComparer.Ordinal)];
}
