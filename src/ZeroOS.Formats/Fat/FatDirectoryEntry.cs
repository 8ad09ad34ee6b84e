using System.Buffers.Binary;

namespace ZeroOS.Formats.Fat;

/// <summary>The 32 bytes that describe a file or folder in its directory (FAT specification, section 6).</summary>
public static class FatDirectoryEntry
{
    /// <summary>Bytes of an entry, of a part of a long name too.</summary>
    public const int Bytes = 32;

    /// <summary>An attribute: the entry is a folder.</summary>
    public const byte Directory = 0x10;

    /// <summary>An attribute: a file that was written.</summary>
    public const byte Archive = 0x20;

    /// <summary>First byte of an entry whose place is free.</summary>
    public const byte Deleted = 0xE5;

    /// <summary>First byte of the entry behind the last one.</summary>
    public const byte End = 0x00;

    internal const byte VolumeLabel = 0x08, LongName = 0x0F;
    private const byte AttributeMask = 0x3F;
    private static readonly DateTimeOffset s_first = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero), s_last = new(2107, 12, 31, 23, 59, 58, TimeSpan.Zero);

    /// <summary>Whether it is the volume's label.</summary>
    internal static bool IsLabel(ReadOnlySpan<byte> entry) => (entry[11] & AttributeMask) == VolumeLabel;

    /// <summary>Whether it is a part of a long name.</summary>
    public static bool IsLongName(ReadOnlySpan<byte> entry) => (entry[11] & AttributeMask) == LongName;

    /// <summary>Whether it is a folder.</summary>
    public static bool IsDirectory(ReadOnlySpan<byte> entry) => (entry[11] & Directory) != 0;

    /// <summary>Where its content begins; 0 for an empty file. Any 32 bits.</summary>
    public static uint Cluster(ReadOnlySpan<byte> entry) =>
        ((uint)BinaryPrimitives.ReadUInt16LittleEndian(entry[20..]) << 16) | BinaryPrimitives.ReadUInt16LittleEndian(entry[26..]);

    /// <summary>Bytes of a file; of a folder it means nothing.</summary>
    public static uint Size(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt32LittleEndian(entry[28..]);

    /// <summary>When it was last written, as UTC; 1980 if the entry says nonsense.</summary>
    internal static DateTimeOffset Time(ReadOnlySpan<byte> entry)
    {
        int clock = BinaryPrimitives.ReadUInt16LittleEndian(entry[22..]), date = BinaryPrimitives.ReadUInt16LittleEndian(entry[24..]);
        int month = (date >> 5) & 15, day = date & 31, hour = clock >> 11, minute = (clock >> 5) & 63, second = (clock & 31) * 2, year = 1980 + (date >> 9);
        bool sense = month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month) && hour < 24 && minute < 60 && second < 60;
        return sense ? new DateTimeOffset(year, month, day, hour, minute, second, TimeSpan.Zero) : s_first;
    }

    /// <summary>Points an entry at content.</summary>
    public static void Point(Span<byte> entry, uint cluster, uint size)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(entry[20..], (ushort)(cluster >> 16));
        BinaryPrimitives.WriteUInt16LittleEndian(entry[26..], (ushort)cluster);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[28..], size);
    }

    /// <summary>Says all of an entry but its name; <paramref name="time"/> is brought into 1980 to 2107.</summary>
    public static void Describe(Span<byte> entry, byte attributes, uint cluster, uint size, DateTimeOffset time)
    {
        entry[11] = attributes;
        (ushort date, ushort clock) = Stamp(time);
        foreach (int at in (ReadOnlySpan<int>)[14, 22])
            BinaryPrimitives.WriteUInt16LittleEndian(entry[at..], clock);
        foreach (int at in (ReadOnlySpan<int>)[16, 18, 24])
            BinaryPrimitives.WriteUInt16LittleEndian(entry[at..], date);
        Point(entry, cluster, size);
    }

    /// <summary>The two entries that a folder begins with, itself and its parent.</summary>
    /// <param name="folder">Its first cluster.</param>
    /// <param name="parent">That of its parent; 0 for the root, wherever it lies.</param>
    /// <param name="time">As in <see cref="Describe"/>.</param>
    public static byte[] Dots(uint folder, uint parent, DateTimeOffset time) =>
        [.. Write(FatName.Self, Directory, folder, time), .. Write(FatName.Parent, Directory, parent, time)];

    internal static byte[] Write(ReadOnlySpan<byte> shortName, byte attributes, uint cluster, DateTimeOffset time)
    {
        byte[] entry = new byte[Bytes];
        shortName[..FatName.ShortBytes].CopyTo(entry);
        Describe(entry, attributes, cluster, 0, time);
        return entry;
    }

    private static (ushort Date, ushort Clock) Stamp(DateTimeOffset time)
    {
        DateTime t = (time < s_first ? s_first : time > s_last ? s_last : time).UtcDateTime;
        return ((ushort)(((t.Year - 1980) << 9) | (t.Month << 5) | t.Day), (ushort)((t.Hour << 11) | (t.Minute << 5) | (t.Second / 2)));
    }
}
