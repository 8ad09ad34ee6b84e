using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ZeroOS.Formats.Gpt;

/// <summary>
/// Reads a GUID partition table, from its backup when the one in front is damaged. Takes any bytes: what is wrong is an <see cref="InvalidDataException"/>.
/// </summary>
public static class GptReader
{
    private const int MaxEntries = 1024, MaxEntryBytes = 1024;

    /// <summary>The table of a disk or image of <paramref name="sectors"/> sectors (its length, if not given).</summary>
    /// <exception cref="InvalidDataException">Neither table holds; the message says what is wrong with the one in front.</exception>
    public static GptTable Read(Stream disk, long? sectors = null)
    {
        long size = sectors ?? disk.Length / GptTable.SectorBytes;
        if (TryRead(disk, size, 1, out GptTable? table, out string? fault))
            return table;
        return TryRead(disk, size, size - 1, out table, out _) ? table : throw new InvalidDataException($"no partition table: {fault}");
    }

    private static bool TryRead(Stream disk, long sectors, long at, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out GptTable? table, out string? fault)
    {
        table = null;
        byte[] header = new byte[GptTable.SectorBytes];
        if (at < 1 || at >= sectors || !TryRead(disk, at, header))
        {
            fault = "too short for one";
            return false;
        }
        int headerBytes = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(12));
        long tableAt = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(72));
        int count = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(80)), entryBytes = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(84));
        fault = !header.AsSpan(0, 8).SequenceEqual("EFI PART"u8) ? "no GPT signature"
            : headerBytes is < GptTable.HeaderBytes or > GptTable.SectorBytes || !ChecksumHolds(header.AsSpan(0, headerBytes))
            ? "the header's checksum is wrong"
            : BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(24)) != at ? "the header belongs to another sector"
            : count is < 1 or > MaxEntries || entryBytes is < GptTable.EntryBytes or > MaxEntryBytes || (entryBytes & (entryBytes - 1)) != 0
            ? "a table of odd dimensions"
            : tableAt < 2 || tableAt >= sectors ? "a table outside the disk"
            : null;
        if (fault is not null)
            return false;
        byte[] entries = new byte[count * entryBytes];
        if (!TryRead(disk, tableAt, entries) || Crc32.Of(entries) != BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(88)))
        {
            fault = "the table's checksum is wrong";
            return false;
        }
        List<GptPartition> partitions = [];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.AsSpan(i * entryBytes, GptTable.EntryBytes);
            GptPartition partition = new(new Guid(entry[..16]), new Guid(entry.Slice(16, 16)), BinaryPrimitives.ReadInt64LittleEndian(entry[32..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[40..]), BinaryPrimitives.ReadUInt64LittleEndian(entry[48..]), Name(entry[56..]))
            {
                Number = i + 1,
            };
            if (partition.Type == Guid.Empty)
                continue;
            if (partition.FirstSector < 2 || partition.LastSector < partition.FirstSector || partition.LastSector >= sectors)
            {
                fault = $"partition {i + 1} lies outside the disk";
                return false;
            }
            partitions.Add(partition);
        }
        table = new GptTable(new Guid(header.AsSpan(56, 16)), sectors, partitions);
        return true;
    }

    private static bool ChecksumHolds(ReadOnlySpan<byte> header)
    {
        byte[] copy = header.ToArray();
        copy.AsSpan(16, 4).Clear();
        return Crc32.Of(copy) == BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
    }

    private static string Name(ReadOnlySpan<byte> field)
    {
        ReadOnlySpan<char> name = MemoryMarshal.Cast<byte, char>(field);
        int end = name.IndexOf('\0');
        return new string(end < 0 ? name : name[..end]);
    }

    private static bool TryRead(Stream disk, long sector, Span<byte> buffer)
    {
        disk.Position = sector * GptTable.SectorBytes;
        return disk.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) == buffer.Length;
    }
}
