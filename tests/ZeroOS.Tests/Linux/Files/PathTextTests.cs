using System.Text;

using Xunit;

using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux.Files;

public sealed class PathTextTests
{
    [Theory]
    [InlineData("plain/\u00e9/\u65e5/\U0001F600")]
    [InlineData("")]
    public void Text_is_its_UTF_8_with_a_NUL(string text)
    {
        Assert.Equal([.. Encoding.UTF8.GetBytes(text), 0], PathText.ToBytes(text));
        Assert.Equal(text, PathText.FromBytes(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void Byte_that_is_no_UTF_8_becomes_a_lone_surrogate() => Assert.Equal("caf\udce9", PathText.FromBytes([.. "caf"u8, 0xE9]));

    [Fact]
    public void Ten_thousand_names_of_random_bytes_come_back()
    {
        Random random = new(7);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] name = new byte[random.Next(1, 40)];
            random.NextBytes(name);
            // Beside characters of four bytes, whose second half of a pair looks like a byte.
            if (i % 3 == 0)
                name = [.. name, .. "\U0001F4FF\U000104A0"u8, .. name];
            Assert.Equal([.. name, 0], PathText.ToBytes(PathText.FromBytes(name)));
        }
    }
}
