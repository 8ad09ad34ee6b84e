using ZeroOS.Host.Storage;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>Listing and erasing, on sparse files; claiming needs the kernel's btrfs: <see cref="NodeStorageTests"/>.</summary>
public sealed class NodeDisksTests : IDisposable
{
    private readonly DiskBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("gpt")]
    [InlineData("wipefs was run")]
    public void An_erased_disk_is_empty(string content)
    {
        BlockDisk disk = _bench.Add("vda", content);
        Assert.Null(_bench.Erase(disk, _bench.ContentId(disk)));
        Assert.Equal(DiskState.Empty, DiskBench.State(disk));
    }

    [Fact]
    public void The_list_has_ids_that_tell_disks_and_contents_apart()
    {
        BlockDisk a = _bench.Add("vda", "gpt"), b = _bench.Add("vdb", "gpt"), c = _bench.Add("vdc", null);
        IReadOnlyList<SeenDisk> seen = _bench.Node.Look();
        Assert.Equal(["foreign", "foreign", "empty"], seen.Select(s => s.State));
        Assert.Equal(3, seen.Select(s => s.Disk.DiskId).Distinct().Count());
        Assert.Equal(2, new[] { _bench.ContentId(a), _bench.ContentId(c) }.Distinct().Count());
        Assert.Matches("^[0-9a-f]{64}$", _bench.ContentId(b));
    }

    [Theory]
    [InlineData(0)]
    [InlineData((1 << 20) - 1)]
    [InlineData(FarmersDisk.Size - 1)]
    [InlineData((64L << 20) + 64)] // where btrfs has a copy, and its name is part of the content
    public void A_disk_that_was_written_after_it_was_looked_at_is_left_alone(long offset)
    {
        BlockDisk disk = _bench.Add("vda", "ddf");
        string seen = _bench.ContentId(disk);
        Write(disk, offset, "_BHRfS_M"u8[..(int)Math.Min(8, FarmersDisk.Size - offset)]);
        string refused = Assert.Throws<DiskRefusedException>(() => _bench.Node.Erase(disk.DiskId, seen, Unexpected, _ => { })).Message;
        Assert.StartsWith("what is on disk vda is not what the order was signed for", refused, StringComparison.Ordinal);
        Assert.Equal(DiskState.Foreign, DiskBench.State(disk));
    }

    [Fact]
    public void Another_disk_in_its_place_an_unknown_one_and_two_that_are_the_same_are_refused()
    {
        BlockDisk disk = _bench.Add("vda", "gpt");
        string content = _bench.ContentId(disk);
        _bench.Disks = [disk with { Serial = "another" }];
        Assert.True(Assert.Throws<DiskRefusedException>(() => _bench.Node.Erase(disk.DiskId, content, Unexpected, _ => { })).IsUnknown);
        _bench.Disks = [disk, disk with { Name = "vdb" }];
        Assert.Contains("2 disks are the same to the node (vda, vdb)",
            Assert.Throws<DiskRefusedException>(() => _bench.Node.Erase(disk.DiskId, content, Unexpected, _ => { })).Message,
            StringComparison.Ordinal);
        Assert.Equal(DiskState.Foreign, DiskBench.State(disk));
    }

    [Theory]
    [InlineData(true, false, "on USB or removable")]
    [InlineData(false, true, "is read-only")]
    public void What_is_never_written_to_is_refused(bool removable, bool readOnly, string why)
    {
        BlockDisk disk = _bench.Add("vda", "gpt") with { IsRemovable = removable, IsReadOnly = readOnly };
        _bench.Disks = [disk];
        string content = _bench.Node.Look()[0].ContentId ?? "";
        Assert.Contains(why, Assert.Throws<DiskRefusedException>(() => _bench.Node.Erase(disk.DiskId, content, Unexpected, _ => { })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_medium_that_computers_boot_ZeroOS_from_is_named_and_never_erased()
    {
        BlockDisk disk = _bench.Add("vda", "gpt");
        byte[] entry = new byte[128];
        new Guid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b").TryWriteBytes(entry);
        System.Text.Encoding.Unicode.GetBytes("ZeroOS", entry.AsSpan(56));
        Write(disk, 1024 + 128, entry);
        SeenDisk seen = Assert.Single(_bench.Node.Look());
        Assert.Equal(("foreign", "holds a ZeroOS system image: a computer may boot from it", null, null),
            (seen.State, seen.Reason, seen.ContentId, seen.Remedy));
        Assert.Contains("never claimed or erased", Assert.Throws<DiskRefusedException>(() => _bench.Node.Erase(disk.DiskId, "", Unexpected, _ => { })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_at_the_last_moment_leaves_the_disk_and_its_descriptor_alone()
    {
        BlockDisk disk = _bench.Add("vda", "gpt");
        string content = _bench.ContentId(disk);
        Assert.Throws<InvalidOperationException>(() => _bench.Node.Erase(disk.DiskId, content, () => throw new InvalidOperationException(), _ => { }));
        Assert.Equal("foreign", _bench.Node.Look()[0].State);
        Assert.Null(_bench.Erase(disk, content));
    }

    [Fact]
    public void One_disk_at_a_time()
    {
        BlockDisk a = _bench.Add("vda", "gpt"), b = _bench.Add("vdb", "gpt");
        (string contentA, string contentB) = (_bench.ContentId(a), _bench.ContentId(b));
        using ManualResetEventSlim goOn = new(), ended = new();
        using NodeDisks slow = new(_bench.Storage, () => _bench.Disks, new SlowLog(goOn), TimeSpan.Zero);
        Assert.Equal("erasing", slow.Erase(a.DiskId, contentA, () => { }, _ => ended.Set()).State);
        Assert.Contains("vda is still erasing", Assert.Throws<DiskRefusedException>(() => slow.Erase(b.DiskId, contentB, Unexpected, _ => { })).Message,
            StringComparison.Ordinal);
        goOn.Set();
        Assert.True(ended.Wait(TimeSpan.FromSeconds(60)));
    }

    private static void Unexpected() => Assert.Fail("accepted");

    private static void Write(BlockDisk disk, long offset, ReadOnlySpan<byte> bytes)
    {
        using FileStream file = File.OpenWrite(disk.Path);
        file.Position = offset;
        file.Write(bytes);
    }

    /// <summary>Holds the work at its first line.</summary>
    private sealed class SlowLog(ManualResetEventSlim goOn) : ILog
    {
        public void Info(string message) => goOn.Wait();

        public void Warn(string message)
        {
        }

        public void Error(string message)
        {
        }
    }
}
