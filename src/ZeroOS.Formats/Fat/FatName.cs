using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ZeroOS.Formats.Fat;

/// <summary>
/// Names in a directory: eight and three capitals in the entry itself, anything else as long-name entries before it (FAT specification, sections 6 and 7).
/// </summary>
public static class FatName
{
    internal const int EntryCharacters = 13, ShortBytes = 11;
    internal const byte LastPart = 0x40; // in the first byte of a long name's last part, which comes first
    private const int MaxCharacters = 255, StemBytes = 8, ExtensionBytes = 3;
    private const byte LowerStem = 0x08, LowerExtension = 0x10; // as Windows NT and Linux mark names such as readme.txt
    private const string AlsoInShort = "$%'-_@~`!(){}^#&";

    internal static ReadOnlySpan<byte> Self => ".          "u8;

    internal static ReadOnlySpan<byte> Parent => "..         "u8;

    /// <summary>Whether a path's part may be a name.</summary>
    internal static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxCharacters && name is not ("." or "..") && name[^1] is not ('.' or ' ') && name[0] != ' '
        && !name.Any(c => c < ' ' || c == '\x7F' || "\"*/:<>?\\|".Contains(c, StringComparison.Ordinal));

    /// <summary>
    /// New entries for a name, in the order they lie in the directory: its long name's if it needs one, last part first, then its own 32 bytes with nothing in
    /// them but the short name (<see cref="FatDirectoryEntry.Describe"/> says the rest).
    /// </summary>
    /// <param name="name">At most 255 characters, without those that FAT does not take.</param>
    /// <param name="taken">Short names of the directory, as <see cref="Short"/> gives them; without case.</param>
    /// <exception cref="ArgumentException">Not a valid name, or no short name is left for it.</exception>
    public static byte[] Entries(string name, IReadOnlySet<string> taken)
    {
        if (!IsValid(name))
            throw new ArgumentException($"\"{name}\" is no name that FAT takes");
        // A long name before this one may have been given the short name that this one is.
        byte[]? own = taken.Contains(name) ? null : AsShort(name);
        byte[] shortName = own ?? Alias(name, taken);
        int parts = own is null ? (name.Length + EntryCharacters - 1) / EntryCharacters : 0;
        byte[] entries = new byte[(parts + 1) * FatDirectoryEntry.Bytes];
        byte checksum = Checksum(shortName);
        for (int part = 0; part < parts; part++)
        {
            Span<byte> entry = entries.AsSpan((parts - 1 - part) * FatDirectoryEntry.Bytes, FatDirectoryEntry.Bytes);
            entry[0] = (byte)((part + 1) | (part == parts - 1 ? LastPart : 0));
            entry[11] = FatDirectoryEntry.LongName;
            entry[13] = checksum;
            for (int i = 0; i < EntryCharacters; i++)
            {
                int at = (part * EntryCharacters) + i;
                char unit = at < name.Length ? name[at] : at == name.Length ? '\0' : '\uFFFF';
                BinaryPrimitives.WriteUInt16LittleEndian(entry[CharacterAt(i)..], unit);
            }
        }
        shortName.CopyTo(entries, parts * FatDirectoryEntry.Bytes);
        return entries;
    }

    /// <summary>
    /// The short name in an entry's 32 bytes, "BOOTX64.EFI", in the case that it marks. Never with a slash in it, but else any characters, and perhaps none.
    /// </summary>
    public static string Short(ReadOnlySpan<byte> entry)
    {
        string stem = Encoding.Latin1.GetString(entry[..StemBytes]).TrimEnd(' '),
            extension = Encoding.Latin1.GetString(entry[StemBytes..ShortBytes]).TrimEnd(' ');
        stem = (entry[12] & LowerStem) != 0 ? stem.ToLowerInvariant() : stem;
        extension = (entry[12] & LowerExtension) != 0 ? extension.ToLowerInvariant() : extension;
        return Joined(stem, extension).Replace('/', '_');
    }

    /// <summary>Whether an entry is that of the folder itself or of its parent.</summary>
    internal static bool IsDots(ReadOnlySpan<byte> entry) => entry[..ShortBytes].SequenceEqual(Self) || entry[..ShortBytes].SequenceEqual(Parent);

    /// <summary>Where character <paramref name="index"/> (0 to 12) lies in a long-name entry.</summary>
    internal static int CharacterAt(int index) => index switch { < 5 => 1 + (index * 2), < 11 => 14 + ((index - 5) * 2), _ => 28 + ((index - 11) * 2) };

    /// <summary>What ties long-name entries to the entry behind them.</summary>
    internal static byte Checksum(ReadOnlySpan<byte> shortName)
    {
        byte sum = 0;
        foreach (byte b in shortName[..ShortBytes])
            sum = (byte)(((sum & 1) << 7) + (sum >> 1) + b);
        return sum;
    }

    /// <summary>Eight and three characters if the name is such a one as it stands; null if it needs long-name entries.</summary>
    private static byte[]? AsShort(string name)
    {
        string[] parts = name.Split('.');
        if (parts.Length > 2 || parts[0].Length is 0 or > StemBytes || (parts.Length == 2 && parts[1].Length is 0 or > ExtensionBytes)
            || !parts.All(p => p.All(IsShort)))
            return null;
        return Padded(parts[0], parts.Length == 2 ? parts[1] : "");
    }

    /// <summary>A short name for a long one, different from those taken: STEM~1.EXT.</summary>
    private static byte[] Alias(string name, IReadOnlySet<string> taken)
    {
        int dot = name.LastIndexOf('.');
        string stem = Shortened(dot > 0 ? name[..dot] : name, StemBytes), extension = Shortened(dot > 0 ? name[(dot + 1)..] : "", ExtensionBytes);
        for (int number = 1; number < 1_000_000; number++)
        {
            string tail = "~" + number.ToString(CultureInfo.InvariantCulture), numbered = stem[..Math.Min(stem.Length, StemBytes - tail.Length)] + tail;
            if (!taken.Contains(Joined(numbered, extension)))
                return Padded(numbered, extension);
        }
        throw new ArgumentException($"no short name is left for {name}");
    }

    private static bool IsShort(char c) => c is (>= 'A' and <= 'Z') or (>= '0' and <= '9') || AlsoInShort.Contains(c, StringComparison.Ordinal);

    private static string Shortened(string part, int most) =>
        new([.. part.ToUpperInvariant().Where(c => c is not ('.' or ' ')).Select(c => IsShort(c) ? c : '_').Take(most)]);

    private static string Joined(string stem, string extension) => extension.Length > 0 ? $"{stem}.{extension}" : stem;

    private static byte[] Padded(string stem, string extension) => Encoding.ASCII.GetBytes(stem.PadRight(StemBytes) + extension.PadRight(ExtensionBytes));
}
