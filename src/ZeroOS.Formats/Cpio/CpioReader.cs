using System.Globalization;
using System.Text;

namespace ZeroOS.Formats.Cpio;

/// <summary>One entry of a cpio archive.</summary>
/// <param name="Path">Absolute path.</param>
/// <param name="Mode">Type and permissions as in st_mode.</param>
/// <param name="Content">Bytes of a file, target of a link; empty otherwise.</param>
/// <param name="Major">Device number of a node.</param>
/// <param name="Minor">Device number of a node.</param>
public sealed record CpioEntry(string Path, int Mode, ReadOnlyMemory<byte> Content, uint Major, uint Minor);

/// <summary>Reads "newc" cpio archives, several of them back to back, as the kernel does.</summary>
public static class CpioReader
{
    private const int HeaderBytes = 110;

    /// <summary>All entries in order.</summary>
    /// <exception cref="InvalidDataException">Not such an archive, or cut off; the message names the offset.</exception>
    public static IReadOnlyList<CpioEntry> Read(ReadOnlyMemory<byte> archive)
    {
        List<CpioEntry> entries = [];
        int at = 0;
        while (at < archive.Length)
        {
            if (archive.Span[at] == 0)
            {
                at++; // the padding between archives
                continue;
            }
            if (archive.Length - at < HeaderBytes || !archive.Span.Slice(at, 6).SequenceEqual("070701"u8))
                throw new InvalidDataException($"cpio: no newc header at offset {at}");
            uint mode = Field(archive.Span, at, 1), size = Field(archive.Span, at, 6), nameSize = Field(archive.Span, at, 11);
            long nameAt = at + HeaderBytes, dataAt = Align(nameAt + nameSize), end = dataAt + size;
            if (nameSize is 0 or > 4096 || end > archive.Length)
                throw new InvalidDataException($"cpio: the entry at offset {at} is cut off");
            string name = Encoding.UTF8.GetString(archive.Span.Slice((int)nameAt, (int)nameSize - 1));
            if (name != "TRAILER!!!")
                entries.Add(new CpioEntry("/" + name, (int)mode, archive.Slice((int)dataAt, (int)size), Field(archive.Span, at, 9),
                    Field(archive.Span, at, 10)));
            at = (int)Math.Min(Align(end), archive.Length);
        }
        return entries;
    }

    private static long Align(long offset) => (offset + 3) & ~3L;

    private static uint Field(ReadOnlySpan<byte> archive, int header, int index) =>
        uint.TryParse(archive.Slice(header + 6 + (index * 8), 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            ? value
            : throw new InvalidDataException($"cpio: field {index} of the header at offset {header} is not hexadecimal");
}
