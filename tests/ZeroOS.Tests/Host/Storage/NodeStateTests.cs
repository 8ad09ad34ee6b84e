using Microsoft.Data.Sqlite;

using ZeroOS.Bus.Keys;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Node;
using ZeroOS.Tests.Engine;
using ZeroOS.Tests.Shared;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>A node on two real disks, of which one is taken out, dies, or comes back.</summary>
[Trait("tier", "kernel")]
[Collection(AloneCollection.Name)]   // a program that another test starts in a mount namespace of its own keeps every disk of then mounted
public sealed class NodeStateTests : StorageBench
{
    private static readonly WorkloadId s_volume = new("tenant", "shop", "data");
    private int _startsAgain;

    static NodeStateTests() => new TestFolder().Dispose(); // which finds SQLite's library

    [SkippableFact]
    public void A_node_whose_first_disk_is_gone_goes_on_with_the_state_of_the_other_and_the_newest_wins_when_it_is_back()
    {
        Prepare();
        BlockDisk one = Loop("one", 2 * GiB), two = Loop("two", 2 * GiB);
        KeyId id;
        string name;
        using (Start start = Begin(one, two))
        {
            (id, name) = (WhoIs(start.Storage), start.Storage.Names.Of(s_volume));
            start.Storage.State.CopyFiles(); // half a minute later
            start.Store.AddEvent("tenant", "both");
        }
        // One is taken out: the same node, the same names, all that was acknowledged.
        using (Start start = Begin(two))
        {
            Assert.Equal((id, name), (WhoIs(start.Storage), start.Storage.Names.Of(s_volume)));
            start.Store.AddEvent("tenant", "alone");
            Assert.Equal(["both", "alone"], start.Store.Events("tenant", 0).Select(e => e.Kind));
        }
        // It comes back, is the first of the pool, and has the older state: it follows.
        using (Start start = Begin(one, two))
        {
            Assert.Equal((id, 2), (WhoIs(start.Storage), start.Storage.Pool.Count));
            start.Store.AddEvent("tenant", "both again");
        }
        using (Start start = Begin(one))
            Assert.Equal(["both", "alone", "both again"], start.Store.Events("tenant", 0).Select(e => e.Kind));
    }

    [SkippableFact]
    public void A_disk_of_another_node_never_gives_its_state_however_new_that_is()
    {
        Prepare();
        BlockDisk one = Loop("one", 2 * GiB), two = Loop("two", 2 * GiB), theirs = Loop("theirs", 2 * GiB);
        for (int i = 0; i < 5; i++)
        {
            using Start other = Begin(theirs);
            WhoIs(other.Storage);
            other.Store.AddEvent("tenant", "theirs");
        }
        KeyId id;
        using (Start start = Begin(one, two))
            id = WhoIs(start.Storage);
        using (Start start = Begin(theirs, one, two))
        {
            Assert.Equal(id, WhoIs(start.Storage));
            Assert.Empty(start.Store.Events("tenant", 0));
        }
        using Start again = Begin(theirs);
        Assert.Equal(5, again.Store.Events("tenant", 0).Count);
    }

    [SkippableFact]
    public void When_the_disk_the_node_works_with_fails_it_starts_again_from_the_other()
    {
        Prepare();
        BlockDisk one = FailingDisk("one"), two = Loop("two", 2 * GiB);
        Start start = Begin(one, two);
        KeyId id = WhoIs(start.Storage);
        start.Store.AddEvent("tenant", "acknowledged");
        Fail("one");
        Assert.ThrowsAny<SqliteException>(() => start.Store.AddEvent("tenant", "refused"));
        Assert.Equal(1, _startsAgain);
        start.Close();

        // The process is another one, the mounts are the same: the kernel made the first disk's read-only.
        using (Start next = Open(one, two))
        {
            Assert.Equal("broken", next.Storage.Disks[0].State);
            Assert.Equal(id, WhoIs(next.Storage));
            Assert.Equal(["acknowledged"], next.Store.Events("tenant", 0).Select(e => e.Kind));
            next.Store.AddEvent("tenant", "later");
        }
        Repair("one");
        // After a restart of the computer the disk works again, and follows.
        using Start last = Begin(one, two);
        Assert.Equal(["acknowledged", "later"], last.Store.Events("tenant", 0).Select(e => e.Kind));
    }

    [SkippableFact]
    public void When_another_disk_fails_the_node_goes_on_and_that_disk_is_never_taken_for_the_newest()
    {
        Prepare();
        BlockDisk one = Loop("one", 2 * GiB), two = FailingDisk("two");
        using (Start start = Begin(one, two))
        {
            WhoIs(start.Storage);
            start.Store.AddEvent("tenant", "both");
            Fail("two");
            start.Store.AddEvent("tenant", "one only");
            Assert.Equal((0, 1), (_startsAgain, start.Storage.State.Directories.Count));
            Assert.NotNull(start.Storage.State.Trouble);
        }
        Repair("two");
        using (Start stale = Begin(two, one))
            Assert.Equal(["both", "one only"], stale.Store.Events("tenant", 0).Select(e => e.Kind));
    }

    [SkippableFact]
    public void A_node_whose_only_disk_fails_does_not_become_another_node_on_an_empty_one()
    {
        Prepare();
        BlockDisk only = FailingDisk("only");
        using (Start start = Begin(only))
            WhoIs(start.Storage);
        Fail("only");
        BlockDisk empty = Loop("empty", 2 * GiB);
        Assert.Contains("the node's only disk, medium-only/only", Assert.Throws<StorageException>(() => Begin(empty, only)).Message, StringComparison.Ordinal);
        Assert.Empty(Memory);
        Assert.Equal(DiskState.Empty, DiskProbe.Classify(empty).State);
    }

    [SkippableFact]
    public void A_node_whose_only_disk_is_damaged_does_not_become_another_node_on_an_empty_one()
    {
        Prepare();
        BlockDisk only = Loop("only", 2 * GiB), empty = Loop("empty", 2 * GiB), other = Loop("other", 2 * GiB);
        using (Start start = Begin(only))
            WhoIs(start.Storage);
        UnmountAll();
        using (FileDescriptor device = FileDescriptor.Open(only.Path, OpenFlags.ReadWrite))
            device.WriteAt(new byte[8].Select(_ => (byte)0x5a).ToArray(), BtrfsSuperblock.Offsets[0] + 0x40);    // its magic
        Assert.Contains("the node's only disk, only serial-only, cannot be used: its superblock is damaged",
            Assert.Throws<StorageException>(() => Begin(empty, only)).Message, StringComparison.Ordinal);
        Assert.Empty(Memory);
        Assert.Equal(DiskState.Empty, DiskProbe.Classify(empty).State);

        // Beside a disk of another node that works, it is the foreign one.
        using (Start start = Begin(other))
            WhoIs(start.Storage);
        using Start mixed = Begin(only, other);
        Assert.Equal(["foreign", "ours"], mixed.Storage.Disks.Select(d => d.State));
    }

    [SkippableFact]
    public void A_node_that_ran_from_memory_stays_who_it_is_on_its_first_disk_unless_guests_have_disks_in_memory()
    {
        Prepare();
        BlockDisk disk = Loop("disk", 2 * GiB);
        KeyId id;
        string memory;
        using (Start start = Begin())
        {
            Assert.False(start.Storage.Persistent);
            memory = start.Storage.Pool[0].Root;
            id = WhoIs(start.Storage);
            start.Store.AddEvent("tenant", "in memory");
        }
        Directory.CreateDirectory(memory + "/volumes/a-guests");
        using (Start stays = Begin(disk))
            Assert.Equal((false, "empty", id), (stays.Storage.Persistent, stays.Storage.Disks[0].State, WhoIs(stays.Storage)));
        Directory.Delete(memory + "/volumes/a-guests");
        UnmountAll();
        string state = base.Open(true, disk).StateDirectory;
        foreach (string late in (string[])["node.db", "generation"])
            File.Delete(Path.Combine(state, late));     // the role died in the middle of the move
        File.WriteAllText(Path.Combine(state, "node.db-wal"), "of another database");
        using Start moved = Open(disk);
        Assert.Equal((true, id), (moved.Storage.Persistent, WhoIs(moved.Storage)));
        Assert.Equal("in memory", Assert.Single(moved.Store.Events("tenant", 0)).Kind);
    }

    /// <summary>A disk whose medium can be made to refuse whatever is written to it: its file lies in a file system of 64 MiB that is filled up.</summary>
    private BlockDisk FailingDisk(string name)
    {
        string folder = $"{Base}/medium-{name}";
        Directory.CreateDirectory(folder);
        Skip.IfNot(Mounts.TryMount("medium", folder, "tmpfs", MountFlags.None, "size=64m") == Errno.None, "needs tmpfs");
        return Loop($"medium-{name}/{name}", 2 * GiB);
    }

    private void Fail(string name) => Assert.NotEqual(0, ProgramRun.Of("dd", "if=/dev/zero", $"of={Base}/medium-{name}/full", "bs=1M", "count=64").Code);

    private void Repair(string name) => File.Delete($"{Base}/medium-{name}/full");

    /// <summary>A start of the node after a restart of the computer.</summary>
    private Start Begin(params BlockDisk[] disks)
    {
        UnmountAll();
        return Open(disks);
    }

    private Start Open(params BlockDisk[] disks)
    {
        NodeStorage storage = base.Open(true, disks);
        EngineStore store = MirroredState.Open(storage, new ManualTime());
        WhoIs(storage);     // as the node does: before its state is mirrored
        MirroredState.Mirror(storage, store, () => _startsAgain++, new LineLog(Log.Add));
        return new Start(storage, store);
    }

    private sealed record Start(NodeStorage Storage, EngineStore Store) : IDisposable
    {
        /// <summary>As a process that ends: nothing is written any more.</summary>
        public void Close() => Store.Dispose();

        public void Dispose()
        {
            Store.Dispose();
            Storage.State.Dispose();
        }
    }
}
