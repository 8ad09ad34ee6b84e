using ZeroOS.Formats;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux.Terminals;

/// <summary>What others wrote cannot move a cursor, begin a line, turn the reading direction or be longer than asked for.</summary>
public class HostileTextTests
{
    [Theory]
    [InlineData("plain, with ä, € and 日本", "plain, with ä, € and 日本")]
    [InlineData("\e[2Jgone", "?[2Jgone")]
    [InlineData("one\ntwo\r\tthree\0", "one?two??three?")]
    [InlineData("\u0085\u009b31m", "??31m")]
    [InlineData("a\u2028b\u2029c", "a?b?c")]
    [InlineData("\u202egnp.exe\u2069", "?gnp.exe?")]
    [InlineData("\u200e\u200f\u061c", "???")]
    public void What_a_terminal_or_a_reader_would_obey_is_replaced(string text, string plain) => Assert.Equal(plain, HostileText.Plain(text, 100));

    [Fact]
    public void Characters_beyond_the_first_plane_stay_whole_and_halves_of_them_do_not_stay()
    {
        Assert.Equal("\U0001F600", HostileText.Plain("\U0001F600", 2));
        Assert.Equal("?", HostileText.Plain("\U0001F600", 1));
        Assert.Equal("?x?", HostileText.Plain("\udc00x\ud800", 100));
    }

    [Fact]
    public void Formats_replaces_the_same_characters()
    {
        for (int c = 0; c <= char.MaxValue; c++)
        {
            foreach (string text in (string[])[$"{(char)c}", $"a{(char)c}b", $"{(char)c}\udc00", $"\ud800{(char)c}"])
                Assert.Equal(HostileText.Plain(text, 3), ForeignText.Plain(text, 3));
        }
        Assert.Equal(HostileText.Plain("x\U0001F600", 2), ForeignText.Plain("x\U0001F600", 2));
    }

    [Fact]
    public void It_is_never_longer_than_asked_for()
    {
        Assert.Equal(300, HostileText.Plain(new string('x', 100_000), 300).Length);
        Assert.Equal("", HostileText.Plain(null, 300));
    }
}
