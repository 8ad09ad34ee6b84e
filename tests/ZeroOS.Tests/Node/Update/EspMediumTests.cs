using System.Security.Cryptography;

using ZeroOS.Flist;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Update;
using ZeroOS.Tests.Formats;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Node.Update;

/// <summary>A whole disk as a farmer's workstation makes it: sgdisk, mkfs.vfat, mtools. They judge what is on it afterwards, too.</summary>
public sealed class EspMediumTests : IDisposable
{
    private const long DiskBytes = 64 << 20, OffsetBytes = 1 << 20;
    private static readonly Guid s_partition = new("F7B6A3DE-0000-4000-8000-000000000001");
    private readonly TemporaryDirectory _folder = new();
    private readonly byte[] _old = RandomNumberGenerator.GetBytes(300_000), _new = RandomNumberGenerator.GetBytes(310_000),
        _settings = RandomNumberGenerator.GetBytes(900);

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void A_version_goes_into_the_slot_and_is_kept_by_an_exchange_that_can_be_asked_for_twice()
    {
        BlockDisk disk = Disk("a");
        using EspMedium medium = EspMedium.Open(s_partition, [disk]);
        Assert.Equal((1u, 2048ul, 129023ul - 2048 + 1),
            (medium.TrialEntry.PartitionNumber, medium.TrialEntry.PartitionStart, medium.TrialEntry.PartitionBlocks));
        Assert.Equal(@"\EFI\ZEROOS\TRIAL.EFI", medium.TrialEntry.File);
        Assert.Null(medium.Manifest());
        medium.Check(_new.Length);
        medium.Stage(_new, _settings, new byte[] { 1, 2, 3 });
        Assert.Equal([1, 2, 3], medium.Manifest());
        Assert.Equal(_old, Type(disk, "EFI/BOOT/BOOTX64.EFI"));
        Assert.Equal(_new, Type(disk, "EFI/ZEROOS/TRIAL.EFI"));
        Assert.Equal(_settings, Type(disk, "EFI/ZEROOS/TRIAL.EFI.extra.d/farm.cred"));

        Assert.Throws<UpdateException>(() => medium.Keep(Sha256Digest.Of([9])));
        for (int i = 0; i < 2; i++)
            medium.Keep(Sha256Digest.Of(_new));
        Assert.Equal(_new, Type(disk, "EFI/BOOT/BOOTX64.EFI"));
        Assert.Equal(_old, Type(disk, "EFI/ZEROOS/TRIAL.EFI"));
        Assert.Equal(_settings, Type(disk, "EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred")); // there were none: the old image had them inside
        Judge.Ask("fsck.fat", "-n", Partition(disk));
        Judge.Ask("sgdisk", "-v", disk.Path);
    }

    [SkippableFact]
    public void No_room_is_known_before_anything_is_fetched()
    {
        using EspMedium medium = EspMedium.Open(s_partition, [Disk("a")]);
        Assert.Equal("no-room", Assert.Throws<UpdateException>(() => medium.Check(DiskBytes)).Reason);
    }

    [SkippableFact]
    public void A_medium_that_is_gone_read_only_or_there_twice_is_refused_by_reason()
    {
        BlockDisk disk = Disk("a");
        File.Copy(disk.Path, _folder["b"]);
        BlockDisk twin = disk with { Name = "b", Path = _folder["b"] };
        foreach ((BlockDisk[] disks, string why) in ((BlockDisk[], string)[])[([], "not there any more"),
            ([disk with { IsReadOnly = true }], "read-only"), ([disk, twin], "a, b")])
        {
            UpdateException e = Assert.Throws<UpdateException>(() => EspMedium.Open(s_partition, disks));
            Assert.Equal("boot-medium", e.Reason);
            Assert.Contains(why, e.Message, StringComparison.Ordinal);
        }
        Assert.Throws<UpdateException>(() => EspMedium.Open(Guid.NewGuid(), [disk]));
    }

    [SkippableFact]
    public void A_partition_that_is_no_fat32_is_refused_before_anything_is_written()
    {
        BlockDisk disk = Disk("a");
        using (FileStream stream = File.OpenWrite(disk.Path))
        {
            stream.Position = OffsetBytes;
            stream.Write(new byte[4096]);
        }
        byte[] before = File.ReadAllBytes(disk.Path);
        using EspMedium medium = EspMedium.Open(s_partition, [disk]);
        Assert.Equal("boot-medium", Assert.Throws<UpdateException>(() => medium.Check(1)).Reason);
        Assert.Equal("boot-medium", Assert.Throws<UpdateException>(() => medium.Stage(_new, _settings, _settings)).Reason);
        Assert.Null(medium.Manifest());
        Assert.True(before.AsSpan().SequenceEqual(File.ReadAllBytes(disk.Path)));
    }

    private BlockDisk Disk(string name)
    {
        Judge.Need("sgdisk", "mkfs.vfat", "mcopy", "fsck.fat");
        string file = _folder[name], fat = _folder["fat"];
        foreach ((string path, long bytes) in ((string, long)[])[(file, DiskBytes), (fat, DiskBytes - (2 * OffsetBytes))])
        {
            using FileStream stream = File.Create(path);
            stream.SetLength(bytes);
        }
        Judge.Ask("sgdisk", "-o", "-n", "1:2048:129023", "-t", "1:ef00", "-u", $"1:{s_partition:D}", file);
        Judge.Ask("mkfs.vfat", "-F", "32", "-s", "1", "-n", "ZEROOS", fat);
        string old = _folder.Write("old", _old);
        Judge.Ask("mmd", "-i", fat, "::EFI", "::EFI/BOOT");
        Judge.Ask("mcopy", "-i", fat, old, "::EFI/BOOT/BOOTX64.EFI");
        using (FileStream to = File.OpenWrite(file), from = File.OpenRead(fat))
        {
            to.Position = OffsetBytes;
            from.CopyTo(to);
        }
        return new BlockDisk(name, file, "", DiskBytes, IsRemovable: true, IsReadOnly: false);
    }

    private string Partition(BlockDisk disk)
    {
        byte[] bytes = File.ReadAllBytes(disk.Path);
        return _folder.Write("partition", bytes[(int)OffsetBytes..(int)(DiskBytes - OffsetBytes)]);
    }

    private byte[] Type(BlockDisk disk, string path)
    {
        string file = _folder["typed"];
        Judge.Ask("mcopy", "-n", "-o", "-i", $"{disk.Path}@@{OffsetBytes}", "::" + path, file);
        return File.ReadAllBytes(file);
    }
}
