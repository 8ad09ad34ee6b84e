using System.Buffers.Binary;

using ZeroOS.Formats.Gpt;

namespace ZeroOS.Media.Flash;

/// <summary>One partition that was found.</summary>
/// <param name="Number">As the kernel counts them.</param>
/// <param name="OffsetBytes">Where it begins.</param>
/// <param name="SizeBytes">How long it is.</param>
/// <param name="Name">Its name in a GPT or its type in an MBR; foreign text.</param>
/// <param name="FileSystem">What is in it, if known.</param>
internal sealed record PartitionFound(int Number, long OffsetBytes, long SizeBytes, string Name, FileSystem? FileSystem);

/// <summary>
/// What is on a disk or in a file, as far as a look at its beginning and the beginnings of its partitions tells. Foreign bytes: bounded, never throws.
/// </summary>
internal sealed record DiskContents
{
    private const int SectorBytes = 512, MaxPartitions = 32;

    /// <summary>"GPT", "MBR" or empty.</summary>
    public string Table { get; private init; } = "";

    /// <summary>What the whole is, without or beside a table: an ISO image, a file system without partitions.</summary>
    public FileSystem? Whole { get; private init; }

    /// <summary>The partitions, at most 32.</summary>
    public IReadOnlyList<PartitionFound> Partitions { get; private init; } = [];

    /// <summary>Nothing is recognised, and the beginning is all zeros.</summary>
    public bool IsBlank { get; private init; }

    /// <summary>Holds ZeroOS already: a disk image has a FAT volume of that name, a CD is called so.</summary>
    public bool IsZeroOS => Partitions.Any(p => IsOurs(p.FileSystem)) || IsOurs(Whole);

    /// <summary>Looks. What cannot be read is as if it were not there.</summary>
    public static DiskContents Read(Stream disk, long sizeBytes)
    {
        byte[] head = ReadHead(disk, 0);
        List<PartitionFound> partitions = [];
        string table = "";
        try
        {
            foreach (GptPartition p in GptReader.Read(disk, sizeBytes / SectorBytes).Partitions.Take(MaxPartitions))
                partitions.Add(new PartitionFound(partitions.Count + 1, p.OffsetBytes, p.SizeBytes,
                    p.Type == GptPartition.EfiSystem ? "EFI system" : p.Name, null));
            table = "GPT";
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            partitions = ReadMbr(head, sizeBytes);
            table = partitions.Count > 0 ? "MBR" : "";
        }
        for (int i = 0; i < partitions.Count; i++)
            partitions[i] = partitions[i] with { FileSystem = FileSystem.Identify(ReadHead(disk, partitions[i].OffsetBytes)) };
        bool blank = table.Length == 0 && !head.AsSpan().ContainsAnyExcept((byte)0);
        return new DiskContents { Table = table, Partitions = partitions, Whole = FileSystem.Identify(head), IsBlank = blank };
    }

    /// <summary>In lines, for a person.</summary>
    public IEnumerable<string> Describe()
    {
        if (IsBlank)
            yield return "nothing on it";
        else if (Table.Length == 0 && Whole is null)
            yield return "data of no kind that is known here";
        if (Whole is not null)
            yield return Named(Whole);
        if (Table.Length > 0)
            yield return $"{Table} with {Partitions.Count} partition{(Partitions.Count == 1 ? "" : "s")}";
        foreach (PartitionFound p in Partitions)
            yield return $"  {p.Number}  {DecimalSizes.Text(p.SizeBytes),9}  {(p.FileSystem is null ? "" : Named(p.FileSystem) + "  ")}{p.Name}".TrimEnd();
    }

    private static string Named(FileSystem system) => system.Label.Length > 0 ? $"{system.Kind} \"{system.Label}\"" : system.Kind;

    private static bool IsOurs(FileSystem? system) =>
        system is { Kind: "FAT32" or "ISO 9660", Label: var label } && label.StartsWith("ZEROOS", StringComparison.OrdinalIgnoreCase);

    private static List<PartitionFound> ReadMbr(ReadOnlySpan<byte> head, long sizeBytes)
    {
        const int TableAt = 446, EntryBytes = 16, Entries = 4;
        List<PartitionFound> found = [];
        // A FAT volume without a table ends its first sector in the same two bytes.
        if (head.Length < SectorBytes || head[510] != 0x55 || head[511] != 0xAA || FileSystem.Identify(head) is { Kind: not "ISO 9660" })
            return found;
        for (int i = 0; i < Entries; i++)
        {
            ReadOnlySpan<byte> entry = head.Slice(TableAt + (i * EntryBytes), EntryBytes);
            long first = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]), count = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            if (entry[4] == 0 || count == 0 || (entry[0] & 0x7F) != 0 || first * SectorBytes >= sizeBytes)
                continue;
            found.Add(new PartitionFound(i + 1, first * SectorBytes, count * SectorBytes, $"type {entry[4]:x2}", null));
        }
        return found;
    }

    private static byte[] ReadHead(Stream disk, long offset)
    {
        byte[] head = new byte[FileSystem.HeadBytes];
        try
        {
            disk.Position = offset;
            return head[..disk.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }
        catch (IOException)
        {
            return [];
        }
    }
}
