using ZeroOS.Linux;

namespace ZeroOS.Node.Screen;

/// <summary>How a cell looks.</summary>
internal enum ScreenStyle : byte
{
    Normal, Title, Label, Good, Trouble, Code,
}

/// <summary>One character on the screen.</summary>
internal readonly record struct ScreenCell(byte Glyph, ScreenStyle Style);

/// <summary>Everything that is on the screen at one moment. What does not fit is cut off; what is not plain text becomes '?'.</summary>
internal sealed class ScreenPage
{
    private readonly ScreenCell[] _cells;

    /// <summary>An empty page.</summary>
    internal ScreenPage(int rows, int columns)
    {
        (Rows, Columns) = (rows, columns);
        _cells = new ScreenCell[rows * columns];
        Array.Fill(_cells, new ScreenCell((byte)' ', ScreenStyle.Normal));
    }

    /// <summary>Its height.</summary>
    internal int Rows { get; }

    /// <summary>Its width.</summary>
    internal int Columns { get; }

    /// <summary>The cells of a row, from the left.</summary>
    internal ReadOnlySpan<ScreenCell> Row(int row) => _cells.AsSpan(row * Columns, Columns);

    /// <summary>A row as text.</summary>
    internal string Line(int row) => string.Concat(Row(row).ToArray().Select(c => Glyphs.CharacterOf(c.Glyph)));

    /// <summary>Writes text, and returns the column behind it.</summary>
    internal int Put(int row, int column, string text, ScreenStyle style)
    {
        foreach (char c in text)
            Put(row, column++, Glyphs.Of(c), style);
        return column;
    }

    /// <summary>Writes one glyph.</summary>
    internal void Put(int row, int column, byte glyph, ScreenStyle style)
    {
        if ((uint)row < (uint)Rows && (uint)column < (uint)Columns)
            _cells[(row * Columns) + column] = new ScreenCell(glyph, style);
    }
}
