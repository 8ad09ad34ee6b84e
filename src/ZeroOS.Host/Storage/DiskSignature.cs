namespace ZeroOS.Host.Storage;

/// <summary>
/// One thing that may be on a disk, and where it leaves its magic. A name for people: whether a disk is empty is decided by its bytes being zero, not by this
/// list being complete. Any bytes are valid input.
/// </summary>
/// <param name="Name">With its article.</param>
/// <param name="Magic">The bytes.</param>
/// <param name="Places">Where they may stand, of a disk of that many bytes; what lies outside the disk holds nothing.</param>
/// <param name="HasBootSector">Its first sector ends like an MBR, which is then no partition table of its own.</param>
/// <param name="CopyOf">What it is the copy of: not told when that is there too.</param>
/// <param name="IsRaid">A member of a RAID that a controller or the firmware makes.</param>
internal sealed record DiskSignature(string Name, byte[] Magic, Func<long, IEnumerable<long>> Places, bool HasBootSector = false, string? CopyOf = null,
    bool IsRaid = false)
{
    private const int KiB = 1 << 10, MiB = 1 << 20, SectorBytes = 512;
    private const string Gpt = "a GPT partition table", GptBackup = "the backup of a GPT partition table", Raid = "a member of a Linux RAID",
        Swap = "swap space";
    private const string Btrfs = "a btrfs file system", Ext = "an ext file system", Luks = "an encrypted LUKS volume";

    // Offsets below zero count from the end. Disks of 4096-byte sectors have their tables in sectors of that size.
    private static readonly DiskSignature[] s_all =
    [
        new(Gpt, "EFI PART"u8.ToArray(), At(512, 4096), HasBootSector: true),
        new(GptBackup, "EFI PART"u8.ToArray(), At(-512, -4096)),
        new(Btrfs, "_BHRfS_M"u8.ToArray(), At(0x10040)),
        new("the backup superblock of a btrfs file system", "_BHRfS_M"u8.ToArray(), At((64 * MiB) + 0x40, (256L << 30) + 0x40), CopyOf: Btrfs),
        new(Luks, [.. "LUKS"u8, 0xBA, 0xBE], At(0)),
        new("the backup header of an encrypted LUKS volume", [.. "SKUL"u8, 0xBA, 0xBE], _ => Enumerable.Range(0, 9).Select(i => 16L * KiB << i), CopyOf: Luks),
        new("an XFS file system", "XFSB"u8.ToArray(), At(0)),
        new("a squashfs image", "hsqs"u8.ToArray(), At(0)),
        new("an NTFS file system", "NTFS    "u8.ToArray(), At(3), HasBootSector: true),
        new("a volume encrypted by BitLocker", "-FVE-FS-"u8.ToArray(), At(3), HasBootSector: true),
        new("a ReFS file system", [.. "ReFS"u8, 0, 0, 0, 0], At(3)),
        new("an exFAT file system", "EXFAT   "u8.ToArray(), At(3), HasBootSector: true),
        new("a FAT file system", "FAT"u8.ToArray(), At(54, 82), HasBootSector: true),
        new("an LVM volume", "LABELONE"u8.ToArray(), At(0, 512, 1024, 1536)),
        new("an EROFS image", [0xE2, 0xE1, 0xF5, 0xE0], At(1024)),
        new("an F2FS file system", [0x10, 0x20, 0xF5, 0xF2], At(1024)),
        new("an HFS+ file system", "H+"u8.ToArray(), At(1024)),
        new("an APFS container", "NXSB"u8.ToArray(), At(32)),
        new(Ext, [0x53, 0xEF], At(1080)),
        new("the backup superblock of an ext file system", [0x53, 0xEF], At((128 * MiB) + 56), CopyOf: Ext),
        new("a JFS file system", "JFS1"u8.ToArray(), At(32 * KiB)),
        new("a ReiserFS file system", "ReIsEr"u8.ToArray(), At((64 * KiB) + 52)),
        new(Raid, [0xFC, 0x4E, 0x2B, 0xA9], LinuxRaid),
        new("a member of an Intel RAID (RST)", "Intel Raid ISM Cfg Sig. "u8.ToArray(), At(-1024, -8192), IsRaid: true),
        new("a member of a hardware RAID (DDF)", [0xDE, 0x11, 0xDE, 0x11], At(-512, -4096), IsRaid: true),
        new("a member of an NVIDIA RAID", "NVIDIA"u8.ToArray(), At(-1024), IsRaid: true),
        new("a bcache device", [0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA], At(4120)),
        new("a bcachefs file system", [0xC6, 0x85, 0x73, 0xF6, 0x66, 0xCE, 0x90, 0xA9], At(4120)),
        // At the end of a page, and pages have several sizes.
        new(Swap, "SWAPSPACE2"u8.ToArray(), At(4086, 8182, 16374, 65526)),
        new(Swap, "SWAP-SPACE"u8.ToArray(), At(4086, 8182, 16374, 65526)),
        new("an ISO 9660 image", "CD001"u8.ToArray(), At(32769)),
        new("a ZFS pool", [0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0], ZfsLabels),
        new("a ZFS pool", [0, 0, 0, 0, 0, 0xBA, 0xB1, 0x0C], ZfsLabels),
        new("a VMware VMFS volume", [0x0D, 0xD0, 0x01, 0xC0], At(MiB)),
        new("a Ceph BlueStore device", "bluestore block device\n"u8.ToArray(), At(0)),
    ];

    /// <summary>Everything known that is on the disk, each once, in the order of the list.</summary>
    internal static IReadOnlyList<DiskSignature> Find(DiskWindows disk)
    {
        List<DiskSignature> found = [];
        foreach (DiskSignature signature in s_all)
        {
            if (signature.Places(disk.SizeBytes).Any(p => disk.Holds(p, signature.Magic))
                && !found.Exists(f => f.Name == signature.Name || f.Name == signature.CopyOf))
                found.Add(signature);
        }
        if (disk.Holds(510, [0x55, 0xAA]) && !found.Exists(f => f.HasBootSector))
            found.Add(new DiskSignature("a boot sector or an MBR partition table", [0x55, 0xAA], At(510)));
        return found;
    }

    private static Func<long, IEnumerable<long>> At(params long[] offsets) => size => offsets.Select(o => o < 0 ? size + o : o);

    /// <summary>Metadata 1.1, 1.2, 1.0 and 0.90 (md(4)).</summary>
    private static IEnumerable<long> LinuxRaid(long size) =>
        [0, 4096, ((size / SectorBytes) - 16) / 8 * 8 * SectorBytes, (size / (64 * KiB) * (64 * KiB)) - (64 * KiB)];

    /// <summary>The slots for uberblocks in the four labels of 256 KiB, two at either end: the first half of a label holds none.</summary>
    private static IEnumerable<long> ZfsLabels(long size)
    {
        const int Label = 256 * KiB;
        long end = size / Label * Label;
        foreach (long label in (long[])[0, Label, end - (2 * Label), end - Label])
        {
            for (long slot = label + (Label / 2); slot < label + Label; slot += KiB)
                yield return slot;
        }
    }
}
