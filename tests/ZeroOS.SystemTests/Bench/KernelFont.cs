using System.Buffers.Binary;
using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// The 8 x 16 font of the very kernel under test, read from its ELF file at the address its symbol table names; so a screenshot can be read back.
/// </summary>
internal sealed class KernelFont
{
    /// <summary>Pixels of a cell.</summary>
    public const int Width = 8, Height = 16;

    private const string Symbol = "fontdata_8x16";
    private const int Glyphs = 256, HeadBytes = 16, CountAt = 8; // struct font_data: four numbers, the third says how many bytes follow (lib/fonts)
    private readonly Dictionary<UInt128, byte> _glyphs = [];

    private KernelFont(ReadOnlySpan<byte> data)
    {
        for (int i = Glyphs - 1; i >= ' '; i--)
            _glyphs[BinaryPrimitives.ReadUInt128BigEndian(data.Slice(i * Height, Height))] = (byte)i;
    }

    /// <summary>That of the host kernel in out/kernels/host.</summary>
    public static KernelFont OfHost()
    {
        string line = File.ReadLines(Checkout.Path("out", "kernels", "host", "System.map")).First(l => l.EndsWith($" {Symbol}", StringComparison.Ordinal));
        ulong address = ulong.Parse(line.Split(' ')[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        byte[] font = Read(Checkout.Path("out", "kernels", "host", "vmlinux"), address, HeadBytes + (Glyphs * Height));
        Assert.Equal(Glyphs * Height, BinaryPrimitives.ReadInt32LittleEndian(font.AsSpan(CountAt)));
        return new KernelFont(font.AsSpan(HeadBytes));
    }

    /// <summary>Which glyph 16 rows of 8 pixels are, the first pixel the highest bit; null if none.</summary>
    public byte? Recognise(UInt128 pixels) => _glyphs.TryGetValue(pixels, out byte glyph) ? glyph : null;

    // Through the program header that loads the address (elf(5), 64 bits).
    private static byte[] Read(string elf, ulong address, int bytes)
    {
        using FileStream file = File.OpenRead(elf);
        byte[] head = new byte[64];
        file.ReadExactly(head);
        long headers = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(32));
        int size = BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(54)), count = BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(56));
        for (int i = 0; i < count; i++)
        {
            byte[] header = new byte[size];
            file.Position = headers + (i * size);
            file.ReadExactly(header);
            ulong start = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(16)), length = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(32));
            if (address < start || address + (ulong)bytes > start + length)
                continue;
            byte[] data = new byte[bytes];
            file.Position = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(8)) + (long)(address - start);
            file.ReadExactly(data);
            return data;
        }
        throw new InvalidDataException($"{elf} loads nothing at {address:x}");
    }
}
