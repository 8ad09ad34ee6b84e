using Xunit;

using ZeroOS.Oci.Registry;

namespace ZeroOS.Tests.Oci.Registry;

public sealed class AuthChallengeTests
{
    [Fact]
    public void Several_challenges_in_one_header_are_read_apart()
    {
        IReadOnlyList<AuthChallenge> challenges =
            AuthChallenge.Parse("Basic realm=\"a \\\"b\\\", c\", Bearer realm=\"https://t/x?y=1\" , service=s,scope=\"p:q:pull,push\"");
        Assert.Equal(["Basic", "Bearer"], challenges.Select(c => c.Scheme));
        Assert.Equal("a \"b\", c", challenges[0]["realm"]);
        Assert.Equal(("https://t/x?y=1", "s", "p:q:pull,push"), (challenges[1]["realm"], challenges[1]["service"], challenges[1]["scope"]));
    }

    [Fact]
    public void Ten_thousand_mutations_end_and_do_not_throw()
    {
        Random random = new(11);
        string whole = "Bearer realm=\"https://t/x\",service=\"s\",scope=\"p:q:pull\"";
        int read = 0;
        for (int i = 0; i < 10_000; i++)
        {
            char[] text = whole.ToCharArray();
            for (int n = random.Next(1, 6); n > 0; n--)
                text[random.Next(text.Length)] = "\" ,=\\a\0é"[random.Next(8)];
            read += AuthChallenge.Parse(new string(text)).Count;
        }
        Assert.NotEqual(0, read);
        Assert.Empty(AuthChallenge.Parse(new string('a', 10_000)));
    }
}
