using System.Text;

using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;

namespace ZeroOS.Tests.Cli.Verbs;

public sealed class DetachKeysTests
{
    [Theory]
    [InlineData("ctrl-p,ctrl-q", "ab", "ab", false)]
    [InlineData("ctrl-p,ctrl-q", "a\u0010\u0011b", "a", true)]
    [InlineData("ctrl-p,ctrl-q", "\u0010b\u0011", "\u0010b\u0011", false)]
    [InlineData("ctrl-p,ctrl-q", "\u0010\u0010\u0011", "\u0010", true)]
    [InlineData("ctrl-p,ctrl-q", "\u0011\u0010", "\u0011", false)]
    [InlineData("a,a,b", "aaab", "a", true)]
    [InlineData("a,b,a,c", "ababac", "ab", true)]
    [InlineData("a,b,a,c", "ababab", "abab", false)]
    [InlineData("ctrl-]", "x\u001dy", "x", true)]
    [InlineData("", "\u0010\u0011", "\u0010\u0011", false)]
    public void Keys_are_found_however_what_is_typed_comes_in_pieces(string text, string typed, string passed, bool left)
    {
        Assert.Equal((passed, left), Pass(DetachKeys.Parse(text), [typed]));
        Assert.Equal((passed, left), Pass(DetachKeys.Parse(text), [.. typed.Select(c => $"{c}")]));
    }

    [Fact]
    public void What_may_be_the_beginning_of_the_keys_waits_for_the_next_one()
    {
        DetachKeys keys = DetachKeys.Parse("ctrl-p,ctrl-q");
        Assert.Equal(("x", false), Pass(keys, ["x\u0010"]));
        Assert.Equal(("\u0010y", false), Pass(keys, ["y"]));
        Assert.Equal(("", true), Pass(keys, ["\u0010", "\u0011"]));
    }

    [Theory]
    [InlineData("ctrl-1")]
    [InlineData("alt-p")]
    [InlineData("ctrl-p,")]
    [InlineData("pq")]
    [InlineData("é")]
    [InlineData("a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a")]
    public void What_is_no_key_is_wrong_usage(string text) =>
        Assert.Equal(CliException.Usage, Assert.Throws<CliException>(() => DetachKeys.Parse(text)).ExitCode);

    private static (string Passed, bool Left) Pass(DetachKeys keys, string[] pieces)
    {
        StringBuilder passed = new();
        bool left = false;
        for (int i = 0; i < pieces.Length && !left; i++)
            passed.Append(Encoding.Latin1.GetString(keys.Pass(Encoding.Latin1.GetBytes(pieces[i]), out left).Span));
        return (passed.ToString(), left);
    }
}
