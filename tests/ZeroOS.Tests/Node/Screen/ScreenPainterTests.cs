using System.Text;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Node.Screen;

namespace ZeroOS.Tests.Node.Screen;

public sealed class ScreenPainterTests
{
    [Fact]
    public void The_first_page_is_painted_whole_and_the_same_page_again_is_nothing()
    {
        ScreenPainter painter = new();
        string whole = Text(painter.Paint(Page("ab", "c")));
        Assert.Equal($"{Glyphs.BeginPage}\e[1;1H\e[0;37mab\e[2;1H\e[0;37mc ", whole);
        Assert.Equal("", Text(painter.Paint(Page("ab", "c"))));
    }

    [Fact]
    public void Of_the_next_page_only_what_changed_is_painted()
    {
        ScreenPainter painter = new();
        painter.Paint(Page("cpu 12 %", "same"));
        Assert.Equal("\e[1;5H\e[0;37m34", Text(painter.Paint(Page("cpu 34 %", "same"))));
    }

    [Fact]
    public void A_screen_of_another_size_or_one_that_was_written_to_is_painted_whole()
    {
        ScreenPainter painter = new();
        painter.Paint(Page("a"));
        Assert.StartsWith(Glyphs.BeginPage, Text(painter.Paint(Page("a", "b"))), StringComparison.Ordinal);
        painter.Forget();
        Assert.StartsWith(Glyphs.BeginPage, Text(painter.Paint(Page("a", "b"))), StringComparison.Ordinal);
    }

    [Fact]
    public void Colours_are_said_where_they_change()
    {
        ScreenPage page = new(1, 4);
        page.Put(0, page.Put(0, 0, "ab", ScreenStyle.Label), "cd", ScreenStyle.Trouble);
        Assert.EndsWith("\e[1;1H\e[0;36mab\e[0;1;33mcd", Text(new ScreenPainter().Paint(page)), StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_is_said_no_control_character_but_the_painters_own_reaches_the_terminal()
    {
        string everything = string.Concat(Enumerable.Range(0, 0x3000).Select(i => (char)i));
        ScreenPage page = new(1, everything.Length);
        page.Put(0, 0, everything, ScreenStyle.Normal);
        byte[] cells = [.. page.Row(0).ToArray().Select(c => c.Glyph)];
        Assert.All(cells, b => Assert.True(b is (>= 0x20 and <= 0x7E) or (>= 0x80 and not 0x9B), $"byte {b:x2}"));
        Assert.Equal("?A~?üß", string.Concat(new[] { 0, 'A', '~', 0x9B, 'ü', 'ß' }.Select(i => page.Line(0)[i])));
    }

    [Theory]
    [InlineData("\e[2J\e]0;owned\a", "?[2J?]0;owned?")]
    [InlineData("a\nb\rc\td", "a?b?c?d")]
    [InlineData("Grünes Tal, Ñandú — 農場", "Grünes Tal, Ñandú ? ??")]
    public void Foreign_text_becomes_plain(string text, string plain)
    {
        ScreenPage page = new(1, plain.Length);
        page.Put(0, 0, text, ScreenStyle.Normal);
        Assert.Equal(plain, page.Line(0));
    }

    private static ScreenPage Page(params string[] lines)
    {
        ScreenPage page = new(lines.Length, lines[0].Length);
        for (int i = 0; i < lines.Length; i++)
            page.Put(i, 0, lines[i], ScreenStyle.Normal);
        return page;
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);
}
