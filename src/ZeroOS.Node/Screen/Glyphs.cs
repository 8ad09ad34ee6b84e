namespace ZeroOS.Node.Screen;

/// <summary>
/// What a cell of the screen can show: a byte that is its own glyph in the console's font (code page 437, in the firmware's font and in the kernel's). The
/// one place through which text reaches the terminal: what is not listed here becomes '?', so no byte that comes out is a control character.
/// </summary>
internal static class Glyphs
{
    /// <summary>Both halves of a cell, the lower, the upper.</summary>
    internal const byte Full = 0xDB, Lower = 0xDC, Upper = 0xDF;

    // Letters from 0x80 on; 0x9B, which is none, would be a control sequence's beginning.
    private const string Letters = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ";
    private const string MoreLetters = "áíóúñÑ"; // from 0xA0 on
    private const byte Sharp = 0xE1, Dash = 0xC4;

    /// <summary>The glyph for a character.</summary>
    internal static byte Of(char c) => c switch
    {
        >= ' ' and <= '~' => (byte)c,
        'ß' => Sharp,
        '─' => Dash,
        _ when Letters.IndexOf(c, StringComparison.Ordinal) is var at && at >= 0 => (byte)(0x80 + at),
        _ when MoreLetters.IndexOf(c, StringComparison.Ordinal) is var at && at >= 0 => (byte)(0xA0 + at),
        _ => (byte)'?',
    };

    /// <summary>The character a glyph stands for.</summary>
    internal static char CharacterOf(byte glyph) => glyph switch
    {
        Full => '█',
        Lower => '▄',
        Upper => '▀',
        Sharp => 'ß',
        Dash => '─',
        >= 0x80 when glyph - 0x80 < Letters.Length => Letters[glyph - 0x80],
        >= 0xA0 when glyph - 0xA0 < MoreLetters.Length => MoreLetters[glyph - 0xA0],
        _ => (char)glyph,
    };
}
