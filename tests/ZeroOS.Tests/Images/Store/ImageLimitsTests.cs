using Xunit;

using ZeroOS.Flist;
using ZeroOS.Images.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

/// <summary>What the images of all tenants take of the node's disk and memory, and what happens at the limits.</summary>
public sealed class ImageLimitsTests
{
    /// <summary>Review, finding 4: 4 MiB that compress to 150 bytes were counted as those, and fetched before they were.</summary>
    [Fact]
    public async Task Bomb_is_counted_as_what_it_takes_and_nothing_is_fetched_before_it_is_allowed()
    {
        TestImage bomb = TestImage.OfBomb(chunks: 16), other = TestImage.Make(51, chunks: 3);
        using TestRegistry registry = new(bomb, other);
        await using ImageBench bench = new(registry.Url);
        using IImage prepared = await bench.Store.PrepareAsync("tenant", bomb.Reference(), default);
        Assert.InRange(prepared.BytesTotal, 1, 1 << 20);
        Assert.Equal((16L << 20) + bomb.ManifestBytes.Length + bomb.Config.Length + bomb.IndexBytes.Length, prepared.BytesCounted);
        using (IImage honest = await bench.Store.PrepareAsync("tenant", other.Reference(), default))
        using (TestMonitor monitor = new(honest))
            monitor.Read(other, 2);
        Assert.Equal(0, FileEntry.AllocatedBytes(Path.Combine(bench.DirectoryOf(bomb), "device")));
        Assert.Equal(0, prepared.BytesFetched);
        prepared.Allow();
        await ImageBench.EventuallyAsync(() => prepared.BytesFetched == prepared.BytesTotal, "what is needed at start");
        Assert.InRange(FileEntry.AllocatedBytes(Path.Combine(bench.DirectoryOf(bomb), "device")), 16L << 20, long.MaxValue);
    }

    [Fact]
    public async Task Last_bytes_of_the_disk_are_not_for_images()
    {
        long free = 1L << 30;
        TestImage image = TestImage.Make(52, chunks: 40), late = TestImage.Make(53);
        using TestRegistry registry = new(image, late);
        await using ImageBench bench = new(registry.Url, ImageBench.Quick with
        {
            ReserveBytes = 100 << 20,
            Storage = () => (1L << 30, Interlocked.Read(ref free)),
        });
        using IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
        using TestMonitor monitor = new(prepared);
        monitor.Read(image, 0);
        Interlocked.Exchange(ref free, (100 << 20) + 1000);
        monitor.Need(39);
        await ImageBench.EventuallyAsync(() => prepared.Trouble?.Reason == "disk-full", "it says why");
        Assert.False(monitor.IsVerified(39));
        WorkloadException refused = await Assert.ThrowsAsync<WorkloadException>(() => bench.Store.PrepareAsync("tenant", late.Reference(), default));
        Assert.Equal(("disk-full", false), (refused.Reason, refused.Permanent));
        Interlocked.Exchange(ref free, 1L << 30);
        Assert.Equal(39u, monitor.Receive().Chunk);
    }

    /// <summary>Review, finding 5: images never left memory.</summary>
    [Fact]
    public async Task Images_that_no_machine_uses_leave_memory_and_come_back()
    {
        TestImage[] images = [.. Enumerable.Range(60, 8).Select(i => TestImage.Make(i, chunks: 5))];
        using TestRegistry registry = new(images);
        await using ImageBench bench = new(registry.Url, ImageBench.Quick with { IdleIndexBytes = 2 * images[0].IndexBytes.Length });
        foreach (TestImage image in images)
        {
            using IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
            using TestMonitor monitor = new(prepared);
            Assert.True(image.Plain(4).SequenceEqual(monitor.Read(image, 4)));
        }
        await ImageBench.EventuallyAsync(() => bench.Store.OpenImages == 2, "six of eight are closed");
        await ImageBench.EventuallyAsync(() => Directory.GetFiles(bench.Run).Length == 2, "and their maps are gone");
        registry.Down = true;
        foreach (TestImage image in images)
        {
            using IImage again = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
            using TestMonitor monitor = new(again);
            Assert.True(image.Plain(4).SequenceEqual(monitor.Read(image, 4)));
        }
    }

    [Fact]
    public async Task Image_stays_open_as_long_as_a_monitor_reads_it()
    {
        TestImage image = TestImage.Make(70, chunks: 5);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url, ImageBench.Quick with { IdleIndexBytes = 0 });
        IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
        using (TestMonitor monitor = new(prepared))
        {
            prepared.Dispose();
            prepared.Dispose();
            Assert.Equal(1, bench.Store.OpenImages);
            Assert.True(image.Plain(3).SequenceEqual(monitor.Read(image, 3)));
        }
        await ImageBench.EventuallyAsync(() => bench.Store.OpenImages == 0, "the monitor is gone");
    }

    [Fact]
    public async Task Indexes_of_one_tenant_have_a_limit_and_another_is_served()
    {
        TestImage one = TestImage.Make(71, chunks: 5), two = TestImage.Make(72, chunks: 5);
        using TestRegistry registry = new(one, two);
        await using ImageBench bench = new(registry.Url, ImageBench.Quick with { TenantIndexBytes = one.IndexBytes.Length });
        using IImage first = await bench.Store.PrepareAsync("greedy", one.Reference(), default);
        using IImage again = await bench.Store.PrepareAsync("greedy", one.Reference(), default);
        WorkloadException refused = await Assert.ThrowsAsync<WorkloadException>(() => bench.Store.PrepareAsync("greedy", two.Reference(), default));
        Assert.Equal(("over-capacity", false), (refused.Reason, refused.Permanent));
        using IImage others = await bench.Store.PrepareAsync("modest", two.Reference(), default);
        first.Dispose();
        again.Dispose();
        using IImage later = await bench.Store.PrepareAsync("greedy", two.Reference(), default);
    }

    [Fact]
    public async Task Unused_images_go_when_their_tenant_brought_too_many_and_what_is_used_or_locked_stays()
    {
        TestImage[] images = [.. Enumerable.Range(80, 5).Select(i => TestImage.Make(i, chunks: 20))];
        using TestRegistry registry = new(images);
        await using ImageBench bench = new(registry.Url, ImageBench.Quick with { UnusedBytesOfTenant = 2 * EvictionRule.LeastBytes + 1000 });
        foreach (TestImage image in images)
        {
            using IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
        }
        using IImage used = await bench.Store.PrepareAsync("tenant", images[0].Reference(), default);
        (FileDescriptor device, FileDescriptor index, FileDescriptor verified) = used.OpenForMonitor();
        await bench.Store.EvictAsync();
        Assert.True(Directory.Exists(bench.DirectoryOf(images[0])));
        Assert.Equal(3, images.Count(i => Directory.Exists(bench.DirectoryOf(i))));

        // A monitor that outlived its node holds its image, though no machine has asked for it yet.
        await bench.RestartAsync();
        await bench.Store.EvictAsync();
        Assert.True(Directory.Exists(bench.DirectoryOf(images[0])));
        device.Dispose();
        index.Dispose();
        verified.Dispose();

        // What was evicted comes again.
        using IImage back = await bench.Store.PrepareAsync("tenant", images[1].Reference(), default);
        using TestMonitor monitor = new(back);
        Assert.True(images[1].Plain(7).SequenceEqual(monitor.Read(images[1], 7)));
    }

    [Fact]
    public void Least_recently_used_go_first_until_each_limit_holds()
    {
        EvictionRule rule = new() { OwnerBytes = 30 << 20, TotalBytes = 60 << 20, KeepFreeBytes = 100 << 20 };
        UnusedImage[] a = [.. Enumerable.Range(0, 5).Select(i => Unused("a", i, 10 << 20))],
            b = [.. Enumerable.Range(10, 3).Select(i => Unused("b", i, 10 << 20))];
        Assert.Equal([a[0], a[1]], rule.Choose([.. a.Reverse(), .. b], freeBytes: 1L << 30));
        Assert.Empty(rule.Choose([.. b], freeBytes: 100 << 20));
        Assert.Equal([b[0], b[1]], rule.Choose([.. b], freeBytes: 85 << 20));
        Assert.Equal([a[0], a[1], a[2]], (rule with { TotalBytes = 50 << 20 }).Choose([.. b, .. a], freeBytes: 1L << 30));
        UnusedImage[] tiny = [.. Enumerable.Range(0, 40).Select(i => Unused("c", i, 1))];
        Assert.Equal(10, rule.Choose(tiny, freeBytes: 1L << 30).Count);
    }

    [Theory]
    [InlineData(512L << 20)]
    [InlineData(4L << 30)]
    [InlineData(8L << 40)]
    public void Unused_images_go_before_a_used_one_has_to_wait(long capacity) =>
    Assert.True(EvictionRule.For(capacity).KeepFreeBytes >= 2 * StorageRoom.ReserveOf(capacity));

    private static UnusedImage Unused(string owner, int day, long bytes) =>
        new(new ImageFiles("/images", "/run", "", Sha256Digest.Of([(byte)day])), owner, bytes, new DateTime(2026, 1, 1).AddDays(day));
}
