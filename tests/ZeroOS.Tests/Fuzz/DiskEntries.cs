using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Efi;
using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Streams;
using ZeroOS.Host.Storage;
using ZeroOS.Media.Flash;
using ZeroOS.Tests.Formats;
using ZeroOS.Tests.Formats.Fat;
using ZeroOS.Tests.Formats.Gpt;
using ZeroOS.Tests.Host.Storage;

namespace ZeroOS.Tests.Fuzz;

/// <summary>What lies on disks and boot media that somebody else wrote.</summary>
internal static class DiskEntries
{
    private const string Kept = "EFI/BOOT/BOOTX64.EFI", Trial = "EFI/ZEROOS/TRIAL.EFI";
    private const int Sector = 512;

    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        new DecoderEntry("gpt", () => [GptTests.Disk()[..20_000]], ReadGpt) { Repair = RepairGpt },
        new PatchedEntry("fat volume", () => FatTests.Volume().ToArray(), Places(), ReadVolume),
        new DecoderEntry("btrfs superblock", () => [SuperblockTests.Btrfs()],
            b => BtrfsSuperblock.TryRead(b, out _, out _) | BtrfsSuperblock.TryStamp(b, Guid.NewGuid())) { Repair = RepairBtrfs },
        new DecoderEntry("ext4 superblock", () => [SuperblockTests.Ext4()],
            b => Ext4Superblock.TryStamp(b, Guid.NewGuid(), Guid.NewGuid())) { Repair = RepairExt4 },
        new DecoderEntry("claim record", () => [new ClaimRecord(3, Guid.NewGuid(), Guid.NewGuid()).ToBytes()],
            b => ClaimRecord.TryRead(b, out _)) { Repair = RepairClaim },
        new DecoderEntry("disk signatures", () => [GptTests.Disk()[..72_000]],
            b => DiskSignature.Find(DiskWindows.Of(b)).Count > 0 | SystemMedium.IsOn(DiskWindows.Of(b))),
        new DecoderEntry("cpio", () => [CpioTests.Sample()], b => FuzzEntries.Reads<InvalidDataException>(() => CpioReader.Read(b))),
        new DecoderEntry("boot option", () => [Option()], b => LoadOption.DescriptionOf(b) is not null),
    ];

    private static bool ReadGpt(byte[] bytes)
    {
        DiskContents contents = DiskContents.Read(new MemoryStream(bytes), bytes.Length);
        Assert.All(contents.Describe(), l => Assert.InRange(l.Length, 0, 1000));
        return FuzzEntries.Reads<InvalidDataException>(() =>
            Assert.InRange(GptReader.Read(new MemoryStream(bytes), GptTests.Sectors).Partitions.Count, 0, 1024));
    }

    /// <summary>Makes the header's checksum right again.</summary>
    private static void RepairGpt(byte[] disk)
    {
        if (disk.Length < 2 * Sector)
            return;
        int length = Math.Clamp(BitConverter.ToInt32(disk, Sector + 12), 92, Sector);
        disk.AsSpan(Sector + 16, 4).Clear();
        BitConverter.TryWriteBytes(disk.AsSpan(Sector + 16), Crc32.Of(disk.AsSpan(Sector, length)));
    }

    // What describes the volume, the beginning of its table, and the directories.
    private static (long From, int Length)[] Places() => [(0, 90), (32 * Sector, 4 * 400), (FatTests.DataOffset, 12 * Sector)];

    /// <summary>Everything an update does: it finds, reads, writes and exchanges, or refuses, and never writes outside.</summary>
    private static bool ReadVolume(PatchedMedium medium) => FuzzEntries.Reads<IOException>(() =>
    {
        FatVolume volume = FatVolume.Open(medium, medium.Length);
        _ = volume.FreeBytes();
        if (volume.Find(Kept) is { IsDirectory: false } file)
            _ = volume.Read(file, 1 << 20);
        volume.Settle(Kept, Trial);
        volume.Write(Trial, new byte[5000]);
        volume.Exchange(Kept, Trial);
    });

    private static void RepairBtrfs(byte[] bytes)
    {
        if (bytes.Length >= BtrfsSuperblock.Bytes)
            BitConverter.TryWriteBytes(bytes.AsSpan(0, 4), Checksum.Crc32C(bytes.AsSpan(32, BtrfsSuperblock.Bytes - 32)));
    }

    private static void RepairExt4(byte[] bytes)
    {
        if (bytes.Length >= Ext4Superblock.Bytes)
            BitConverter.TryWriteBytes(bytes.AsSpan(0x3FC), Checksum.Raw(bytes.AsSpan(0, 0x3FC)));
    }

    private static void RepairClaim(byte[] bytes)
    {
        if (bytes.Length >= ClaimRecord.Bytes)
            BitConverter.TryWriteBytes(bytes.AsSpan(ClaimRecord.Bytes - 4), Checksum.Crc32C(bytes.AsSpan(0, ClaimRecord.Bytes - 4)));
    }

    private static byte[] Option() => new LoadOption
    {
        Description = "ZeroOS",
        PartitionNumber = 1,
        PartitionStart = 2048,
        PartitionBlocks = 9999,
        PartitionId = Guid.NewGuid(),
        File = "\\EFI\\BOOT\\BOOTX64.EFI"
    }.ToBytes();
}
