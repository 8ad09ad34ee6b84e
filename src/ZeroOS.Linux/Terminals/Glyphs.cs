namespace ZeroOS.Linux;

/// <summary>
/// What a cell of the screen can show: a byte that is its own glyph in the console's font (code page 437, in the firmware's font and in the kernel's). The
/// one place through which text reaches the terminal: what is not listed here becomes '?', so no byte that comes out is a control character.
/// </summary>
public static class Glyphs
{
    /// <summary>Both halves of a cell, the lower, the upper.</summary>
    public const byte Full = 0xDB, Lower = 0xDC, Upper = 0xDF;

    /// <summary>
    /// What a terminal is told before it shows glyphs: bytes are glyphs (not UTF-8, no character set in between); no wrapping, so that the last cell does not
    /// scroll; no cursor; never blank; an empty page (console_codes(4)).
    /// </summary>
    public const string BeginPage = "\e%@\e(U\x0f\e[?7l\e[?25l\e[9;0]\e[14;0]\e[0m\e[2J";

    // Letters from 0x80 on; 0x9B, which is none, would be a control sequence's beginning.
    private const string Letters = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ";
    private const string MoreLetters = "áíóúñÑ"; // from 0xA0 on
    private const byte Sharp = 0xE1, Dash = 0xC4;

    /// <summary>The glyph for a character.</summary>
    public static byte Of(char c) => c switch
    {
        >= ' ' and <= '~' => (byte)c,
        'ß' => Sharp,
        '─' => Dash,
        _ when Letters.IndexOf(c, StringComparison.Ordinal) is var at && at >= 0 => (byte)(0x80 + at),
        _ when MoreLetters.IndexOf(c, StringComparison.Ordinal) is var at && at >= 0 => (byte)(0xA0 + at),
        _ => (byte)'?',
    };

    /// <summary>The character a glyph stands for.</summary>
    public static char CharacterOf(byte glyph) => glyph switch
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
