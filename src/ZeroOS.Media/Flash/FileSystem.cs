using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Media.Flash;

/// <summary>What the beginning of a disk or partition says it holds, so that a person recognises it before it is gone. Bounded, never throws.</summary>
/// <param name="Kind">"ext4", "NTFS".</param>
/// <param name="Label">The name somebody gave it; foreign text, empty if none.</param>
internal sealed record FileSystem(string Kind, string Label)
{
    /// <summary>Bytes of the beginning that <see cref="Identify"/> looks at: btrfs keeps its label behind 64 KiB.</summary>
    public const int HeadBytes = 68 << 10;

    /// <summary>Recognises a file system or what else may be there; null when it is nothing known.</summary>
    public static FileSystem? Identify(ReadOnlySpan<byte> head)
    {
        if (Has(head, 3, "NTFS    "u8))
            return new FileSystem("NTFS", "");
        if (Has(head, 3, "EXFAT   "u8))
            return new FileSystem("exFAT", "");
        if (Has(head, 82, "FAT32   "u8))
            return new FileSystem("FAT32", Text(head, 71, 11));
        if (Has(head, 54, "FAT1"u8))
            return new FileSystem("FAT", Text(head, 43, 11));
        if (Has(head, 0, [(byte)'L', (byte)'U', (byte)'K', (byte)'S', 0xBA, 0xBE]))
            return new FileSystem("LUKS encryption", "");
        if (Has(head, 0, "XFSB"u8))
            return new FileSystem("XFS", Text(head, 108, 12));
        if (Has(head, 0, "hsqs"u8))
            return new FileSystem("squashfs", "");
        if (Has(head, 32, "NXSB"u8))
            return new FileSystem("APFS", "");
        if (Has(head, 512, "LABELONE"u8))
            return new FileSystem("LVM", "");
        if (Has(head, 0x438, [0x53, 0xEF]))
            return new FileSystem(Ext(head), Text(head, 0x478, 16));
        if (Has(head, 0x400, [0xE2, 0xE1, 0xF5, 0xE0]))
            return new FileSystem("EROFS", Text(head, 0x440, 16));
        if (Has(head, 0x400, [0x10, 0x20, 0xF5, 0xF2]))
            return new FileSystem("F2FS", "");
        if (Has(head, 0x400, "H+"u8))
            return new FileSystem("HFS+", "");
        if (Has(head, 4086, "SWAPSPACE2"u8))
            return new FileSystem("swap", Text(head, 0x41C, 16));
        if (Has(head, 4096, [0xFC, 0x4E, 0x2B, 0xA9]))
            return new FileSystem("RAID", Text(head, 4096 + 32, 32));
        if (Has(head, 0x8001, "CD001"u8))
            return new FileSystem("ISO 9660", Text(head, 0x8028, 32));
        return Has(head, 0x10040, "_BHRfS_M"u8) ? new FileSystem("btrfs", Text(head, 0x1012B, 256)) : null;
    }

    private static string Ext(ReadOnlySpan<byte> head)
    {
        const uint HasJournal = 4, Extents = 0x40;
        uint compatible = BinaryPrimitives.ReadUInt32LittleEndian(head[0x45C..]), incompatible = BinaryPrimitives.ReadUInt32LittleEndian(head[0x460..]);
        return (incompatible & Extents) != 0 ? "ext4" : (compatible & HasJournal) != 0 ? "ext3" : "ext2";
    }

    private static bool Has(ReadOnlySpan<byte> head, int at, ReadOnlySpan<byte> magic) =>
        head.Length >= at + Math.Max(magic.Length, 0x100) && head.Slice(at, magic.Length).SequenceEqual(magic);

    private static string Text(ReadOnlySpan<byte> head, int at, int length)
    {
        ReadOnlySpan<byte> field = head.Slice(at, Math.Min(length, head.Length - at));
        int end = field.IndexOf((byte)0);
        string text = Encoding.UTF8.GetString(end < 0 ? field : field[..end]).Trim();
        return text == "NO NAME" ? "" : text;
    }
}
