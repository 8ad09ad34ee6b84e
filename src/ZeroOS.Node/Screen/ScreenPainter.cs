using System.Buffers;
using System.Globalization;
using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Node.Screen;

/// <summary>
/// Turns pages into what the Linux console is told (console_codes(4)): the whole page the first time, afterwards the part of each row that changed.
/// </summary>
internal sealed class ScreenPainter
{
    private ScreenPage? _shown;

    /// <summary>The next page is painted whole: something else may have written to the screen.</summary>
    internal void Forget() => _shown = null;

    /// <summary>The bytes that make the screen show <paramref name="page"/>; none if it does.</summary>
    internal ReadOnlyMemory<byte> Paint(ScreenPage page)
    {
        ArrayBufferWriter<byte> output = new(256);
        bool whole = _shown is null || _shown.Rows != page.Rows || _shown.Columns != page.Columns;
        if (whole)
            Write(output, Glyphs.BeginPage);
        for (int row = 0; row < page.Rows; row++)
        {
            ReadOnlySpan<ScreenCell> now = page.Row(row), before = whole ? default : _shown!.Row(row);
            int first = 0, end = page.Columns;
            if (!whole)
            {
                first = now.CommonPrefixLength(before);
                while (end > first && now[end - 1] == before[end - 1])
                    end--;
            }
            if (end > first)
                Paint(output, row, first, now[first..end]);
        }
        _shown = page;
        return output.WrittenMemory;
    }

    private static void Paint(ArrayBufferWriter<byte> output, int row, int column, ReadOnlySpan<ScreenCell> cells)
    {
        Write(output, string.Create(CultureInfo.InvariantCulture, $"\e[{row + 1};{column + 1}H"));
        for (int i = 0; i < cells.Length; i++)
        {
            if (i == 0 || cells[i].Style != cells[i - 1].Style)
                Write(output, Colours(cells[i].Style));
            output.Write([cells[i].Glyph]);
        }
    }

    private static string Colours(ScreenStyle style) => style switch
    {
        ScreenStyle.Title => "\e[0;1;37;44m",
        ScreenStyle.Label => "\e[0;36m",
        ScreenStyle.Good => "\e[0;1;32m",
        ScreenStyle.Trouble => "\e[0;1;33m",
        ScreenStyle.Code => "\e[0;30;47m", // always dark on light, as readers of QR codes want it
        _ => "\e[0;37m",
    };

    private static void Write(ArrayBufferWriter<byte> output, string sequence) => Encoding.ASCII.GetBytes(sequence, output);
}
