using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Tests.Host.Storage;

/// <summary>A disk as a farmer has it: a sparse file of 1,088 MiB with what other systems leave behind. Offsets below zero count from the end.</summary>
internal sealed class FarmersDisk : IDisposable
{
    internal const long Size = 1088L << 20;

    private const int MiB = 1 << 20, KiB = 1 << 10;
    private const string Gpt = "a GPT partition table", Backup = "the backup of a GPT partition table", Mbr = "a boot sector or an MBR partition table";
    private const string Raid = "a member of a Linux RAID", Zfs = "a ZFS pool", Intel = "a member of an Intel RAID (RST)",
        Ddf = "a member of a hardware RAID (DDF)";
    private readonly FileStream _file;

    private FarmersDisk(string path)
    {
        _file = File.Create(path);
        _file.SetLength(Size);
    }

    /// <summary>What the public reports of other people's systems are about, and what has to be said of each.</summary>
    internal static IReadOnlyDictionary<string, (Action<FarmersDisk> Make, string Holds)> All { get; } = new Dictionary<string, (Action<FarmersDisk>, string)>
    {
        ["gpt"] = (d => d.Gpts(512, primary: true), $"{Gpt} and {Backup}"),
        ["gpt, first MiBs zeroed"] = (d => d.Gpts(512, primary: false), Backup),
        ["gpt in sectors of 4096 bytes"] = (d => d.Gpts(4096, primary: true), $"{Gpt} and {Backup}"),
        ["mbr with one partition"] = (d => d.Put(446, [0x80, 0x20, 0x21, 0, 0x83, 0xFF, 0xFF, 0xFF, 0, 8, 0, 0, 0, 0, 16, 0]).Put(510, [0x55, 0xAA]), Mbr),
        ["mbr without partitions"] = (d => d.Put(440, [0xDE, 0xAD, 0xBE, 0xEF]).Put(510, [0x55, 0xAA]), Mbr),
        ["md 1.2"] = (d => d.Md(4096, 2), Raid),
        ["md 1.1"] = (d => d.Md(0, 1), Raid),
        ["md 1.0"] = (d => d.Md(Size - (8 * KiB), 0), Raid),
        ["md 0.90"] = (d => d.Put((Size & ~0xFFFFL) - (64 * KiB), [0xFC, 0x4E, 0x2B, 0xA9, 0, 0, 0, 0, 90]), Raid),
        ["intel rst"] = (d => d.Put(-1024, "Intel Raid ISM Cfg Sig. 1.3.00"u8), Intel),
        ["intel rst in sectors of 4096 bytes"] = (d => d.Put(-8192, "Intel Raid ISM Cfg Sig. 1.3.00"u8), Intel),
        ["ddf"] = (d => d.Put(-512, [0xDE, 0x11, 0xDE, 0x11, 0xFF]), Ddf),
        ["ddf in sectors of 4096 bytes"] = (d => d.Put(-4096, [0xDE, 0x11, 0xDE, 0x11, 0xFF]), Ddf),
        ["lvm"] = (d => d.Put(512, "LABELONE"u8).Put(536, "LVM2 001"u8), "an LVM volume"),
        ["zfs"] = (d => d.ZfsLabels(0, 256 * KiB, -512 * KiB, -256 * KiB), Zfs),
        ["zfs, front zeroed"] = (d => d.ZfsLabels(-512 * KiB, -256 * KiB), Zfs),
        ["zfs, an uberblock in the last slot alone"] = (d => d.Put(-KiB, [0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0]), Zfs),
        ["luks2"] = (d => d.Put(0, [.. "LUKS"u8, 0xBA, 0xBE, 0, 2]).Put(16 * KiB, [.. "SKUL"u8, 0xBA, 0xBE, 0, 2]), "an encrypted LUKS volume"),
        ["luks2, first header gone"] = (d => d.Put(4 * MiB, [.. "SKUL"u8, 0xBA, 0xBE, 0, 2]), "the backup header of an encrypted LUKS volume"),
        ["encrypted without a header"] = (d => d.Noise(0, 16 * MiB, 4096), "unknown data at byte 0"),
        ["btrfs of somebody else"] = (d => d.Put((64 * KiB) + 64, "_BHRfS_M"u8).Put((64 * MiB) + 64, "_BHRfS_M"u8), "a btrfs file system"),
        ["btrfs, first MiBs zeroed"] = (d => d.Put((64 * MiB) + 64, "_BHRfS_M"u8), "the backup superblock of a btrfs file system"),
        ["wipefs was run"] = (d => d.Noise(4 * MiB, Size, 8192).Noise(900 * MiB, Size, 64 * KiB), $"unknown data at byte {4 * MiB}"),
        ["dd over the first 4 MiB was run"] = (d => d.Noise(5 * MiB, 37 * MiB, 64 * KiB), $"unknown data at byte {5 * MiB}"),
        ["dd over the first 100 MiB was run"] = (d => d.Gpts(512, primary: false).Noise(101 * MiB, 7 * MiB, 64 * KiB), Backup),
        ["ext, front zeroed"] = (d => d.Put((128 * MiB) + 56, [0x53, 0xEF]), "the backup superblock of an ext file system"),
        ["swap"] = (d => d.Put(1024, [1]).Put(4086, "SWAPSPACE2"u8), "swap space"),
        ["ntfs"] = (d => d.Put(0, [0xEB, 0x52, 0x90]).Put(3, "NTFS    "u8).Put(510, [0x55, 0xAA]), "an NTFS file system"),
        ["bitlocker"] = (d => d.Put(0, [0xEB, 0x58, 0x90]).Put(3, "-FVE-FS-"u8).Put(510, [0x55, 0xAA]), "a volume encrypted by BitLocker"),
        ["vmfs"] = (d => d.Put(MiB, [0x0D, 0xD0, 0x01, 0xC0, 5]), "a VMware VMFS volume"),
        ["bluestore"] = (d => d.Put(0, "bluestore block device\nc0ffee00-0000-4000-8000-000000000001\n"u8), "a Ceph BlueStore device"),
        ["lvm on a RAID member on a partitioned disk"] = (d => d.Gpts(512, primary: true).Md(-8 * KiB, 0).Put(1024, "LABELONE"u8),
            $"{Gpt}, {Backup}, an LVM volume and {Raid}"),
    };

    /// <summary>Makes the file.</summary>
    internal static void Make(string name, string path)
    {
        using FarmersDisk disk = new(path);
        All[name].Make(disk);
    }

    public void Dispose() => _file.Dispose();

    private FarmersDisk Put(long offset, ReadOnlySpan<byte> bytes)
    {
        _file.Position = offset < 0 ? Size + offset : offset;
        _file.Write(bytes);
        return this;
    }

    private FarmersDisk Gpts(int sector, bool primary)
    {
        const int EntriesBytes = 16 * KiB;
        byte[] header = [.. "EFI PART"u8, 0, 0, 1, 0, 92, 0, 0, 0],
            entry = [.. new Guid("0fc63daf-8483-4772-8e79-3d69d8477de4").ToByteArray(), .. Guid.NewGuid().ToByteArray()];
        if (primary)
            Put(450, [0xEE]).Put(510, [0x55, 0xAA]).Put(sector, header).Put(2 * sector, entry);
        return Put(-sector, header).Put(-sector - EntriesBytes, entry);
    }

    private FarmersDisk Md(long at, uint minor)
    {
        byte[] superblock = new byte[256];
        BinaryPrimitives.WriteUInt32LittleEndian(superblock, 0xA92B4EFC);
        BinaryPrimitives.WriteUInt32LittleEndian(superblock.AsSpan(4), 1);
        Encoding.ASCII.GetBytes($"farm:old{minor}", superblock.AsSpan(32));
        return Put(at, superblock);
    }

    private FarmersDisk ZfsLabels(params ReadOnlySpan<long> labels)
    {
        foreach (long label in labels)
        {
            for (int slot = 0; slot < 128; slot += 8)
                Put((label < 0 ? Size + label : label) + (128 * KiB) + (slot * KiB), [0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0, 0x88, 0x13]);
        }
        return this;
    }

    private FarmersDisk Noise(long from, long step, int bytes)
    {
        byte[] noise = new byte[bytes];
        for (long at = from; at < Size; at += step)
        {
            new Random((int)(at >> 12)).NextBytes(noise);
            noise[0] |= 1;
            Put(at, noise);
        }
        return this;
    }
}
