using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// What is on a node's screen, as text: the pixels of a framebuffer read back by the kernel's own font, or the characters of a text screen's memory.
/// </summary>
internal sealed class ScreenPicture
{
    private const int TextMemory = 0xB8000, TextRows = 25, TextColumns = 80;
    private const string HalfBlocks = "\u2580\u2584\u2588";

    private ScreenPicture(string[] lines) => Lines = lines;

    /// <summary>Rows from the top, each as wide as the screen.</summary>
    public string[] Lines { get; }

    /// <summary>
    /// All words to the left of the QR code, or of everything where there is none, one space between any two: a sentence is found however it was broken.
    /// </summary>
    public string Words
    {
        get
        {
            // The code's cells hold blocks; what is left of the leftmost one, and its quiet zone, is text.
            int edge = Lines.Select(l => l.IndexOfAny([.. HalfBlocks])).Where(i => i >= 0).DefaultIfEmpty(int.MaxValue).Min();
            IEnumerable<string> rows = Lines.Select(l => l.IndexOfAny([.. HalfBlocks]) >= 0 ? l[..edge] : l);
            return string.Join(' ', string.Join(' ', rows).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    /// <summary>Looks at a framebuffer.</summary>
    public static async Task<ScreenPicture> Take(Qmp qmp, KernelFont font, string folder)
    {
        string file = Path.Combine(folder, "screen.ppm");
        await qmp.Screendump(file);
        return Read(await File.ReadAllBytesAsync(file), font);
    }

    /// <summary>Looks at a VGA text screen: a character and its colours in two bytes each.</summary>
    public static async Task<ScreenPicture> TakeText(Qmp qmp, string folder)
    {
        string file = Path.Combine(folder, "screen.text");
        await qmp.Run("pmemsave", new JsonObject { ["val"] = TextMemory, ["size"] = TextRows * TextColumns * 2, ["filename"] = file });
        byte[] cells = await File.ReadAllBytesAsync(file);
        return new ScreenPicture([.. Enumerable.Range(0, TextRows)
            .Select(r => string.Concat(Enumerable.Range(0, TextColumns).Select(c => Character(cells[((r * TextColumns) + c) * 2]))))]);
    }

    /// <summary>Keeps the screen as a picture for a person.</summary>
    public static Task Keep(Qmp qmp, string file) => Run(qmp, file);

    /// <summary>What a camera in front of the screen reads of its QR code; null if it finds none.</summary>
    public static async Task<string?> ReadCode(Qmp qmp, string folder)
    {
        string file = Path.Combine(folder, "code.png");
        await Run(qmp, file);
        CommandResult result = await Command.Run("zbarimg", ["-q", "--raw", "-Sdisable", "-Sqrcode.enable", file], TimeSpan.FromSeconds(30));
        return result.ExitCode == 0 ? result.Output.Trim() : null;
    }

    internal static ScreenPicture Read(ReadOnlySpan<byte> pixmap, KernelFont font)
    {
        int at = 0;
        Assert.Equal("P6", Word(pixmap, ref at));
        int width = Number(pixmap, ref at), height = Number(pixmap, ref at);
        Assert.Equal(255, Number(pixmap, ref at));
        ReadOnlySpan<byte> pixels = pixmap[at..];
        string[] lines = new string[height / KernelFont.Height];
        for (int row = 0; row < lines.Length; row++)
        {
            StringBuilder line = new();
            for (int column = 0; column < width / KernelFont.Width; column++)
                line.Append(Cell(pixels, width, row * KernelFont.Height, column * KernelFont.Width, font));
            lines[row] = line.ToString();
        }
        return new ScreenPicture(lines);
    }

    /// <summary>A cell has two colours at most. Which of them is the ink is what makes a glyph of it; one colour alone is a space.</summary>
    private static char Cell(ReadOnlySpan<byte> pixels, int width, int top, int left, KernelFont font)
    {
        UInt128 ink = 0;
        ReadOnlySpan<byte> first = pixels.Slice(((top * width) + left) * 3, 3);
        for (int y = 0; y < KernelFont.Height; y++)
        {
            for (int x = 0; x < KernelFont.Width; x++)
                ink = (ink << 1) | (pixels.Slice((((top + y) * width) + left + x) * 3, 3).SequenceEqual(first) ? 0u : 1u);
        }
        if (ink == 0)
            return ' ';
        return font.Recognise(ink) is { } glyph ? Character(glyph) : font.Recognise(~ink) is { } inverse ? Character(inverse) : '\uFFFD';
    }

    private static Task Run(Qmp qmp, string file) => qmp.Run("screendump", new JsonObject { ["filename"] = file, ["format"] = "png" });

    private static char Character(byte glyph) => glyph switch
    {
        0 => ' ',
        0xDB => '\u2588',
        0xDC => '\u2584',
        0xDF => '\u2580',
        0x81 => 'ü',
        < 0x80 => (char)glyph,
        _ => '\uFFFD',
    };

    private static int Number(ReadOnlySpan<byte> bytes, ref int at) => int.Parse(Word(bytes, ref at), CultureInfo.InvariantCulture);

    private static string Word(ReadOnlySpan<byte> bytes, ref int at)
    {
        int length = bytes[at..].IndexOfAny((byte)' ', (byte)'\n');
        string word = Encoding.ASCII.GetString(bytes.Slice(at, length));
        at += length + 1;
        return word;
    }
}
