using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ZeroOS.Formats.Gpt;

/// <summary>
/// A GUID partition table of 128 entries on a disk of 512-byte sectors (UEFI 2.10, 5.3): protective MBR, header and table in front, table and header again at
/// the end.
/// </summary>
/// <param name="DiskId">The disk's identifier.</param>
/// <param name="Sectors">Size of the disk in sectors of 512 bytes.</param>
/// <param name="Partitions">In the order of the table; they do not overlap.</param>
public sealed record GptTable(Guid DiskId, long Sectors, IReadOnlyList<GptPartition> Partitions)
{
    /// <summary>Bytes of a sector.</summary>
    public const int SectorBytes = 512;

    /// <summary>Sectors that MBR, header and table take in front; at the end it is one less.</summary>
    public const int HeadSectors = 2 + TableSectors;

    /// <summary>Bytes of the MBR that a BIOS boot loader may fill.</summary>
    public const int BootCodeBytes = 440;

    internal const int Entries = 128, EntryBytes = 128, HeaderBytes = 92;
    private const int TableSectors = Entries * EntryBytes / SectorBytes;

    /// <summary>Writes the table on a disk of <see cref="Sectors"/> sectors; nothing between head and tail is touched.</summary>
    /// <param name="disk">Can seek; grows to its full size.</param>
    /// <param name="bootCode">For BIOS: at most <see cref="BootCodeBytes"/> bytes; none leaves zeros.</param>
    /// <exception cref="ArgumentException">The partitions are no table: too many, outside the disk, overlapping, a name too long.</exception>
    public void Write(Stream disk, ReadOnlySpan<byte> bootCode)
    {
        byte[] head = Head(bootCode), tail = Tail();
        disk.Position = 0;
        disk.Write(head);
        disk.Position = (Sectors * SectorBytes) - tail.Length;
        disk.Write(tail);
    }

    /// <summary>What belongs into the first 34 sectors.</summary>
    public byte[] Head(ReadOnlySpan<byte> bootCode)
    {
        Check();
        if (bootCode.Length > BootCodeBytes)
            throw new ArgumentException($"boot code of {bootCode.Length} bytes does not fit into {BootCodeBytes}", nameof(bootCode));
        byte[] head = new byte[HeadSectors * SectorBytes];
        bootCode.CopyTo(head);
        WriteProtectiveMbr(head);
        Span<byte> table = head.AsSpan(2 * SectorBytes);
        WriteTable(table);
        WriteHeader(head.AsSpan(SectorBytes, SectorBytes), table, self: 1, other: Sectors - 1, tableAt: 2);
        return head;
    }

    /// <summary>What belongs into the last 33 sectors.</summary>
    public byte[] Tail()
    {
        Check();
        byte[] tail = new byte[(1 + TableSectors) * SectorBytes];
        Span<byte> table = tail.AsSpan(0, TableSectors * SectorBytes);
        WriteTable(table);
        WriteHeader(tail.AsSpan(table.Length), table, self: Sectors - 1, other: 1, tableAt: Sectors - 1 - TableSectors);
        return tail;
    }

    /// <summary>One entry over the whole disk, so that a program that knows only MBR sees no free room (5.2.3).</summary>
    private void WriteProtectiveMbr(Span<byte> mbr)
    {
        Span<byte> entry = mbr.Slice(446, 16);
        entry[2] = 0x02; // sector 1 as cylinder, head, sector
        entry[4] = 0xEE;
        entry[5] = entry[6] = entry[7] = 0xFF;
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], (uint)Math.Min(Sectors - 1, uint.MaxValue));
        mbr[510] = 0x55;
        mbr[511] = 0xAA;
    }

    private void WriteTable(Span<byte> table)
    {
        for (int i = 0; i < Partitions.Count; i++)
        {
            GptPartition partition = Partitions[i];
            Span<byte> entry = table.Slice(i * EntryBytes, EntryBytes);
            partition.Type.TryWriteBytes(entry);
            partition.Id.TryWriteBytes(entry[16..]);
            BinaryPrimitives.WriteInt64LittleEndian(entry[32..], partition.FirstSector);
            BinaryPrimitives.WriteInt64LittleEndian(entry[40..], partition.LastSector);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[48..], partition.Attributes);
            MemoryMarshal.AsBytes(partition.Name.AsSpan()).CopyTo(entry[56..]);
        }
    }

    private void WriteHeader(Span<byte> header, ReadOnlySpan<byte> table, long self, long other, long tableAt)
    {
        "EFI PART"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], 0x00010000);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], HeaderBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], self);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], other);
        BinaryPrimitives.WriteInt64LittleEndian(header[40..], HeadSectors);
        BinaryPrimitives.WriteInt64LittleEndian(header[48..], Sectors - HeadSectors);
        DiskId.TryWriteBytes(header[56..]);
        BinaryPrimitives.WriteInt64LittleEndian(header[72..], tableAt);
        BinaryPrimitives.WriteInt32LittleEndian(header[80..], Entries);
        BinaryPrimitives.WriteInt32LittleEndian(header[84..], EntryBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header[88..], Crc32.Of(table));
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], Crc32.Of(header[..HeaderBytes])); // with this field still zero
    }

    private void Check()
    {
        if (Partitions.Count > Entries)
            throw new ArgumentException($"a table has {Entries} partitions at most, not {Partitions.Count}");
        long end = HeadSectors;
        foreach (GptPartition partition in Partitions.OrderBy(p => p.FirstSector))
        {
            if (partition.FirstSector < end || partition.LastSector < partition.FirstSector || partition.LastSector > Sectors - HeadSectors)
                throw new ArgumentException(
                    $"partition \"{partition.Name}\" overlaps another or lies outside the usable sectors {HeadSectors} to {Sectors - HeadSectors}");
            if (partition.Name.Length > 36)
                throw new ArgumentException($"the name \"{partition.Name}\" has more than 36 characters");
            end = partition.LastSector + 1;
        }
    }
}
