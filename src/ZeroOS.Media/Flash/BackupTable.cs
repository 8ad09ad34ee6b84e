using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

using ZeroOS.Formats.Gpt;

namespace ZeroOS.Media.Flash;

/// <summary>
/// Moves the second copy of a partition table to the real end of a disk that is larger than its image (UEFI 2.10, 5.3.2): firmware and repair tools look for it
/// there. Only what says where things are is changed; identifiers and partitions stay, and so does the boot code.
/// </summary>
internal static class BackupTable
{
    private const int Sector = 512, MaxHeaderBytes = Sector, EntrySizeAt = 84, CountAt = 80, TableAt = 72, LastUsableAt = 48, OtherAt = 32, SelfAt = 24,
        ChecksumAt = 16;
    private const byte Protective = 0xEE;

    /// <summary>
    /// Changes <paramref name="head"/>, the beginning of the image, and gives what belongs into the last sectors of a disk of <paramref name="diskBytes"/>.
    /// False, with the reason in words, when nothing is to be done.
    /// </summary>
    public static bool TryMove(Span<byte> head, long imageBytes, long diskBytes, [NotNullWhen(true)] out byte[]? tail, [NotNullWhen(false)] out string? why)
    {
        tail = null;
        why = "the image ends where the disk does";
        long last = (diskBytes / Sector) - 1;
        if (diskBytes / Sector * Sector <= imageBytes)
            return false;
        why = "the image has no GUID partition table";
        Span<byte> header = head.Length >= 2 * Sector ? head.Slice(Sector, Sector) : default;
        if (header.IsEmpty || !header.StartsWith("EFI PART"u8))
            return false;
        int headerBytes = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        long tableAt = BinaryPrimitives.ReadInt64LittleEndian(header[TableAt..]);
        long entriesBytes = (long)BinaryPrimitives.ReadUInt32LittleEndian(header[CountAt..]) * BinaryPrimitives.ReadUInt32LittleEndian(header[EntrySizeAt..]);
        long entrySectors = (entriesBytes + Sector - 1) / Sector;
        why = "the image's partition table is damaged";
        if (headerBytes is < 92 or > MaxHeaderBytes || tableAt < 2 || tableAt > head.Length / Sector
            || entriesBytes is <= 0 or > 1 << 20 || (tableAt * Sector) + entriesBytes > head.Length
            || Sum(header, headerBytes) != BinaryPrimitives.ReadUInt32LittleEndian(header[ChecksumAt..]))
            return false;
        why = "the disk is too little larger than the image for it";
        if (last - entrySectors < imageBytes / Sector && BinaryPrimitives.ReadInt64LittleEndian(header[LastUsableAt..]) >= last - entrySectors)
            return false;

        BinaryPrimitives.WriteInt64LittleEndian(header[OtherAt..], last);
        BinaryPrimitives.WriteInt64LittleEndian(header[LastUsableAt..], last - entrySectors - 1);
        Seal(header, headerBytes);
        tail = new byte[(entrySectors + 1) * Sector];
        head.Slice((int)tableAt * Sector, (int)entriesBytes).CopyTo(tail);
        Span<byte> second = tail.AsSpan((int)entrySectors * Sector);
        header.CopyTo(second);
        BinaryPrimitives.WriteInt64LittleEndian(second[SelfAt..], last);
        BinaryPrimitives.WriteInt64LittleEndian(second[OtherAt..], 1);
        BinaryPrimitives.WriteInt64LittleEndian(second[TableAt..], last - entrySectors);
        Seal(second, headerBytes);
        StretchProtection(head[..Sector], last);
        why = null;
        return true;
    }

    /// <summary>The one entry of a protective MBR covers the disk; the table of a hybrid ISO image, which has others, stays as it is.</summary>
    private static void StretchProtection(Span<byte> mbr, long last)
    {
        const int FirstEntry = 446, EntryBytes = 16, TypeAt = 4, CountOfSectorsAt = 12;
        Span<byte> entry = mbr.Slice(FirstEntry, EntryBytes);
        if (entry[TypeAt] == Protective && !mbr[(FirstEntry + EntryBytes)..510].ContainsAnyExcept((byte)0))
            BinaryPrimitives.WriteUInt32LittleEndian(entry[CountOfSectorsAt..], (uint)Math.Min(last, uint.MaxValue));
    }

    private static void Seal(Span<byte> header, int headerBytes) => BinaryPrimitives.WriteUInt32LittleEndian(header[ChecksumAt..], Sum(header, headerBytes));

    private static uint Sum(ReadOnlySpan<byte> header, int headerBytes)
    {
        byte[] copy = header[..headerBytes].ToArray();
        copy.AsSpan(ChecksumAt, 4).Clear();
        return Crc32.Of(copy);
    }
}
