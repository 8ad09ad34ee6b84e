using System.Buffers.Binary;

namespace ZeroOS.Host.Storage;

/// <summary>
/// Names what is on a disk from its first bytes, so that a person is told why it is not touched. A guess for people: whether a disk is empty is decided by
/// its bytes being zero, not by this list being complete. Any bytes are valid input.
/// </summary>
internal static class DiskSignature
{
    private static readonly (int Offset, byte[] Magic, string Name)[] s_magics =
    [
        (512, "EFI PART"u8.ToArray(), "a GPT partition table"),
        (4096, "EFI PART"u8.ToArray(), "a GPT partition table"),
        (0x10040, "_BHRfS_M"u8.ToArray(), "a btrfs file system"),
        (0, "LUKS"u8.ToArray(), "an encrypted LUKS volume"),
        (0, "XFSB"u8.ToArray(), "an XFS file system"),
        (0, "hsqs"u8.ToArray(), "a squashfs image"),
        (3, "NTFS    "u8.ToArray(), "an NTFS file system"),
        (3, "EXFAT   "u8.ToArray(), "an exFAT file system"),
        (512, "LABELONE"u8.ToArray(), "an LVM volume"),
        (1024, [0xE2, 0xE1, 0xF5, 0xE0], "an EROFS image"),
        (1024, [0x10, 0x20, 0xF5, 0xF2], "an F2FS file system"),
        (1080, [0x53, 0xEF], "an ext file system"),
        (4096, [0xFC, 0x4E, 0x2B, 0xA9], "a member of a Linux RAID"),
        (0, [0xFC, 0x4E, 0x2B, 0xA9], "a member of a Linux RAID"),
        (4120, [0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA], "a bcache device"),
        (4086, "SWAPSPACE2"u8.ToArray(), "swap space"),
        (32769, "CD001"u8.ToArray(), "an ISO 9660 image"),
        (0x20000, [0x0C, 0xB1, 0xBA, 0x00], "a ZFS pool"),
        (54, "FAT"u8.ToArray(), "a FAT file system"),
        (82, "FAT32"u8.ToArray(), "a FAT file system"),
        (510, [0x55, 0xAA], "a boot sector or an MBR partition table"),
    ];

    /// <summary>What it looks like, or null.</summary>
    internal static string? Identify(ReadOnlySpan<byte> start)
    {
        foreach ((int offset, byte[] magic, string name) in s_magics)
        {
            if (start.Length >= offset + magic.Length && start.Slice(offset, magic.Length).SequenceEqual(magic))
                return name;
        }
        return null;
    }

    /// <summary>As <see cref="Identify"/>, for the last bytes of a disk.</summary>
    internal static string? IdentifyEnd(ReadOnlySpan<byte> end)
    {
        const uint RaidMagic = 0xA92B4EFC;
        if (end.Length >= 512 && end[^512..].StartsWith("EFI PART"u8))
            return "the backup of a GPT partition table";
        // Linux RAID 0.90 and 1.0 keep their superblock near the end, at 64 KiB and 4 KiB steps.
        for (int offset = 4096; offset <= Math.Min(end.Length, 128 * 1024); offset += 4096)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(end[^offset..]) == RaidMagic)
                return "a member of a Linux RAID";
        }
        return null;
    }
}
