using System.Text;

using Xunit;

using ZeroOS.Host.Storage;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>Disks are sparse files here: what a disk is follows from its bytes alone.</summary>
public sealed class DiskProbeTests : IDisposable
{
    private const long Size = 2L << 30;
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"zeroos-disk-{Guid.NewGuid():n}");

    public DiskProbeTests()
    {
        using FileStream file = File.Create(_path);
        file.SetLength(Size);
    }

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_disk_of_zeros_is_empty() => Assert.Equal(DiskState.Empty, Probe().State);

    [Theory]
    [InlineData(0, 1)]
    [InlineData((8 << 20) - 1, 1)]
    [InlineData(Size - 1, 1)]
    [InlineData(Size - (8 << 20), 1)]
    [InlineData(1L << 30, 4 << 20)] // between the edges a file system shows in the samples, not in one byte
    public void Anything_written_makes_it_foreign(long offset, int length)
    {
        Write(offset, Enumerable.Repeat((byte)0x5A, length).ToArray());
        DiskFinding found = Probe();
        Assert.Equal(DiskState.Foreign, found.State);
        Assert.StartsWith("holds unknown data at byte", found.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(512, "EFI PART", "holds a GPT partition table")]
    [InlineData(0x10040, "_BHRfS_M", "holds a btrfs file system")]
    [InlineData(0, "XFSB", "holds an XFS file system")]
    [InlineData(32769, "CD001", "holds an ISO 9660 image")]
    [InlineData(Size - 512, "EFI PART", "holds the backup of a GPT partition table")]
    public void What_is_known_is_named(long offset, string magic, string reason)
    {
        Write(offset, Encoding.ASCII.GetBytes(magic));
        Assert.Equal((DiskState.Foreign, reason), Short(Probe()));
    }

    [Fact]
    public void Usb_read_only_and_small_disks_are_never_empty()
    {
        Assert.Equal(DiskState.Removable, Probe(removable: true).State);
        Assert.Equal((DiskState.Foreign, "read-only"), Short(Probe(readOnly: true)));
        Assert.Equal((DiskState.Foreign, "smaller than 1 GiB"), Short(Probe(size: DiskProbe.MinimumBytes - 4096)));
    }

    [Fact]
    public void A_disk_that_cannot_be_opened_or_read_is_broken()
    {
        Assert.Equal(DiskState.Broken, DiskProbe.Classify(new BlockDisk("x", _path + ".none", "", Size, false, false)).State);
        Assert.Equal(DiskState.Broken, Probe(size: Size * 2).State);
    }

    [Fact]
    public void A_record_without_a_file_system_is_an_interrupted_claim_and_with_another_one_foreign()
    {
        ClaimRecord record = new(3, Guid.Parse("11111111-2222-3333-4444-555555555555"), Guid.NewGuid());
        Write(0, record.ToBytes());
        Assert.Equal((DiskState.Claimed, record), (Probe().State, Probe().Record));
        Write(BtrfsSuperblock.Offsets[0], [1]);
        Assert.Equal((DiskState.Broken, "its superblock is damaged"), Short(Probe()));
    }

    [Fact]
    public void Ten_thousand_mutated_disks_are_never_taken_for_empty_or_ours_by_accident()
    {
        byte[] start = new byte[72 * 1024];
        new ClaimRecord(0, Guid.NewGuid(), Guid.NewGuid()).ToBytes().CopyTo(start, 0);
        Random random = new(5);
        int readable = 0;
        byte[] bad = new byte[start.Length];
        for (int round = 0; round < 10_000; round++)
        {
            start.CopyTo(bad, 0);
            // Where decoders look: the record and the superblock.
            int from = random.Next(2) == 0 ? 0 : 0x10000;
            for (int flips = random.Next(1, 5); flips > 0; flips--)
                bad[from + random.Next(4096)] ^= (byte)random.Next(1, 256);
            _ = DiskSignature.Find(DiskWindows.Of(bad[..random.Next(bad.Length)]));
            if (!ClaimRecord.TryRead(bad, out ClaimRecord record))
                continue;
            readable++;
            Assert.NotEqual(DiskState.Ours, DiskProbe.Recognise(bad, record).State);
        }
        Assert.InRange(readable, 1_000, 9_000);
    }

    private DiskFinding Probe(bool removable = false, bool readOnly = false, long size = Size) =>
        DiskProbe.Classify(new BlockDisk("vdz", _path, "", size, removable, readOnly));

    private static (DiskState, string) Short(DiskFinding probed) => (probed.State, probed.Reason);

    private void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        using FileStream file = File.OpenWrite(_path);
        file.Position = offset;
        file.Write(bytes);
    }
}
