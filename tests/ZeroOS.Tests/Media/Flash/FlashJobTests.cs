using ZeroOS.Formats.Zstd;
using ZeroOS.Linux;
using ZeroOS.Media;
using ZeroOS.Media.Flash;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Media.Flash;

public sealed class FlashJobTests : IDisposable
{
    private const long Larger = 100_000_256;
    private readonly FlashBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_larger_disk_holds_the_image_and_the_second_table_at_its_own_end()
    {
        using FakeDisk disk = FakeDisk.Make(_bench, Larger);
        FlashResult result = _bench.Flash(disk);
        Assert.Equal((FlashBench.ImageBytes, null), (result.Bytes, result.BackupTable));
        Assert.True(disk is { Finished: true, Settled: 2 });
        byte[] image = File.ReadAllBytes(_bench.Image), written = File.ReadAllBytes(disk.Path);
        Assert.Equal(image[(34 * 512)..], written[(34 * 512)..image.Length]);
        Assert.Contains("comparing: 83.9 MB", _bench.Said.ToString(), StringComparison.Ordinal);
        using (FileStream file = File.OpenWrite(disk.Path))
            file.SetLength(Larger / 512 * 512); // sgdisk wants whole sectors
        Assert.Contains("No problems found", ProgramRun.Of("sgdisk", "-v", disk.Path).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("zeroos", ProgramRun.Of("sgdisk", "-p", disk.Path).Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_of_the_images_size_is_the_image()
    {
        using FakeDisk disk = FakeDisk.Make(_bench, FlashBench.ImageBytes);
        Assert.Equal("the image ends where the disk does", _bench.Flash(disk).BackupTable);
        Assert.Equal(File.ReadAllBytes(_bench.Image), File.ReadAllBytes(disk.Path));
    }

    [Fact]
    public void A_compressed_image_is_unpacked_on_the_way()
    {
        using FakeDisk disk = FakeDisk.Make(_bench, FlashBench.ImageBytes);
        _bench.Flash(disk, Compress());
        Assert.Equal(File.ReadAllBytes(_bench.Image), File.ReadAllBytes(disk.Path));
    }

    [Fact]
    public void A_disk_that_is_too_small_is_refused_before_anything_is_written()
    {
        foreach (string image in new[] { _bench.Image, Compress() })
        {
            using FakeDisk disk = FakeDisk.Make(_bench, FlashBench.ImageBytes - 512, _ => Assert.Fail("it was written to"));
            Assert.Contains("too small", Assert.Throws<MediaException>(() => _bench.Flash(disk, image)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(79)]
    public void An_interrupted_write_leaves_a_disk_without_tables_and_says_so(int pieces)
    {
        using CancellationTokenSource stop = new();
        int writes = 0;
        using FakeDisk disk = FakeDisk.Make(_bench, Larger, _ =>
        {
            if (writes++ == pieces + 1)
                stop.Cancel();
        });
        MediaException e = Assert.Throws<MediaException>(() => _bench.Flash(disk, cancellation: stop.Token));
        Assert.Equal(("interrupted; it starts nothing", false, false), (e.Message, e.IsUsage, disk.Finished));
        AssertBlank(disk);
    }

    [Fact]
    public void A_disk_that_fails_is_named_with_what_to_do()
    {
        using FakeDisk disk = FakeDisk.Make(_bench, Larger, offset =>
        {
            if (offset is > 20 << 20 and < 90 << 20)
                throw new LinuxException(Errno.EIO, "pwrite", "descriptor 9");
        });
        Assert.Contains("/dev/fake cannot be written: the disk reports an error", Assert.Throws<MediaException>(() => _bench.Flash(disk)).Message,
            StringComparison.Ordinal);
        AssertBlank(disk);
    }

    [Fact]
    public void A_stick_that_is_smaller_than_it_says_is_found_by_reading_back()
    {
        using FakeDisk disk = FakeDisk.Make(_bench, FlashBench.ImageBytes, holdsBytes: 2 << 20);
        Assert.Contains("does not hold what was written", Assert.Throws<MediaException>(() => _bench.Flash(disk)).Message, StringComparison.Ordinal);
        Assert.False(disk.Finished);
        AssertBlank(disk, end: false);
    }

    [Fact]
    public void An_image_that_is_not_the_one_of_its_sums_does_not_start()
    {
        string sums = Path.Combine(_bench.Folder, "SHA256SUMS");
        File.WriteAllText(sums, $"{ProgramRun.Of("sha256sum", _bench.Image).Succeeded().Output[..64]}  zeroos.img\n");
        using (FakeDisk disk = FakeDisk.Make(_bench, FlashBench.ImageBytes))
            _bench.Flash(disk);
        File.WriteAllText(sums, $"{new string('0', 64)}  zeroos.img\n");
        using FakeDisk second = FakeDisk.Make(_bench, Larger);
        Assert.Contains("is damaged", Assert.Throws<MediaException>(() => _bench.Flash(second)).Message, StringComparison.Ordinal);
        AssertBlank(second);
    }

    [Fact]
    public void A_damaged_archive_is_a_sentence_and_leaves_a_blank_disk()
    {
        string archive = Compress();
        byte[] bytes = File.ReadAllBytes(archive);
        File.WriteAllBytes(archive, bytes[..(bytes.Length / 2)]);
        using FakeDisk disk = FakeDisk.Make(_bench, Larger);
        Assert.Contains("cannot be unpacked", Assert.Throws<MediaException>(() => _bench.Flash(disk, archive)).Message, StringComparison.Ordinal);
        AssertBlank(disk);
    }

    [Theory]
    [InlineData("MZ", "EFI program")]
    [InlineData("07070100", "no disk image")]
    [InlineData("", "no disk image")]
    public void What_is_no_disk_image_is_refused_before_anything_is_written(string content, string why)
    {
        string file = Path.Combine(_bench.Folder, "other");
        File.WriteAllText(file, content);
        using FakeDisk disk = FakeDisk.Make(_bench, FlashBench.ImageBytes, _ => Assert.Fail("it was written to"));
        Assert.Contains(why, Assert.Throws<MediaException>(() => _bench.Flash(disk, file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_thousand_broken_tables_are_moved_or_left_without_an_exception()
    {
        byte[] seed = File.ReadAllBytes(_bench.Image).AsSpan(0, 1 << 16).ToArray();
        Random random = new(33);
        int moved = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] head = [.. seed.AsSpan(0, random.Next(10) == 0 ? random.Next(seed.Length) : 40 * 512)];
            for (int change = random.Next(3); change > 0 && head.Length > 0; change--)
                head[random.Next(2) == 0 ? random.Next(head.Length) : Math.Min(512 + random.Next(92), head.Length - 1)] = (byte)random.Next(256);
            if (!BackupTable.TryMove(head, FlashBench.ImageBytes, random.NextInt64(1L << 40), out byte[]? tail, out string? why))
                Assert.NotEmpty(why);
            else if (++moved > 0)
                Assert.InRange(tail.Length, 1024, 1 << 21);
        }
        Assert.InRange(moved, 1000, 9999);
    }

    [Theory]
    [InlineData(65_536)]
    [InlineData(200)]
    [InlineData(300)]
    [InlineData(5_000_000)]
    public void The_length_in_a_zstd_frame_is_what_comes_out(int bytes)
    {
        byte[] content = new byte[bytes], stored = new byte[ZstdLibrary.CompressBound(bytes)];
        using ZstdCompressor zstd = new(3, 20);
        _ = zstd.Compress(content, stored);
        Assert.Equal(bytes, FlashImage.ContentSize(stored));
    }

    private static void AssertBlank(FakeDisk disk, bool end = true)
    {
        using FileStream file = File.OpenRead(disk.Path);
        byte[] edge = new byte[1 << 20];
        file.ReadExactly(edge);
        Assert.False(edge.AsSpan().ContainsAnyExcept((byte)0), "the beginning is not blank");
        file.Position = (file.Length / 512 * 512) - edge.Length;
        file.ReadExactly(edge);
        Assert.True(!end || !edge.AsSpan().ContainsAnyExcept((byte)0), "the end is not blank");
    }

    private string Compress()
    {
        string path = _bench.Image + ".zst";
        byte[] content = File.ReadAllBytes(_bench.Image), stored = new byte[ZstdLibrary.CompressBound(content.Length)];
        using ZstdCompressor zstd = new(3, 20);
        File.WriteAllBytes(path, stored[..zstd.Compress(content, stored)]);
        return path;
    }
}
