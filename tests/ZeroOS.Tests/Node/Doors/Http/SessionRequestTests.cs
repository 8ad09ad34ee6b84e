using System.Text;

using ZeroOS.Node.Doors.Http;

namespace ZeroOS.Tests.Node.Doors.Http;

public class SessionRequestTests
{
    [Theory]
    [InlineData("", null)]
    [InlineData("P", null)]
    [InlineData("POST /session", null)]
    [InlineData("POST /session ", true)]
    [InlineData("POST /session HTTP/1.1\r\n", true)]
    [InlineData("G", false)]
    [InlineData("POST /b", false)]
    [InlineData("POST /sessions HTTP/1.1", false)]
    [InlineData("POST /session?a HTTP/1.1", false)]
    [InlineData("post /session ", false)]
    [InlineData("\u0016\u0003\u0001", false)]
    public void The_first_bytes_tell_or_are_too_few(string first, bool? begins) =>
        Assert.Equal(begins, SessionRequest.Begins(Encoding.Latin1.GetBytes(first)));

    [Theory]
    [InlineData("HTTP/1.1|Content-Length: 7", 0, 7)]
    [InlineData("HTTP/1.1|Host: n|content-length:\t7 |X:", 0, 7)]
    [InlineData("HTTP/1.1|Content-Length: 0", 0, 0)]
    [InlineData("HTTP/1.1", 411, 0)]
    [InlineData("HTTP/1.1|Host: n", 411, 0)]
    [InlineData("HTTP/1.1|Transfer-Encoding: chunked", 411, 0)]
    [InlineData("HTTP/1.1|Content-Length: 7|Transfer-Encoding: chunked", 411, 0)]
    [InlineData("HTTP/1.1|Expect: 100-continue|Content-Length: 7", 417, 0)]
    [InlineData("HTTP/1.1|Content-Length: 7|Content-Length: 7", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length: 7, 7", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length: +7", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length: -7", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length: 0x7", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length:", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length: 99999999999999999999", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length : 7", 400, 0)]
    [InlineData("HTTP/1.1|Content-Length: 7| folded", 400, 0)]
    [InlineData("HTTP/1.1|no colon|Content-Length: 7", 400, 0)]
    [InlineData("HTTP/1.1|: 7", 400, 0)]
    [InlineData("HTTP/1.1|X: a\nContent-Length: 7", 400, 0)]
    [InlineData("HTTP/1.1|X: a\rb|Content-Length: 7", 400, 0)]
    [InlineData("HTTP/1.1|X: \0|Content-Length: 7", 400, 0)]
    [InlineData("HTTP/1.0|Content-Length: 7", 505, 0)]
    [InlineData("HTTP/2.0|Content-Length: 7", 505, 0)]
    [InlineData(" HTTP/1.1|Content-Length: 7", 400, 0)]
    [InlineData("x HTTP/1.1|Content-Length: 7", 400, 0)]
    public void The_end_of_a_request_is_no_matter_of_opinion(string head, int status, long length)
    {
        Assert.Equal(status, Read(head, out long read));
        if (status == 0)
            Assert.Equal(length, read);
    }

    [Fact]
    public void There_are_thirty_two_headers_at_most()
    {
        string most = "HTTP/1.1|Content-Length: 7" + string.Concat(Enumerable.Range(1, SessionRequest.MaxHeaders - 1).Select(i => $"|X{i}: y"));
        Assert.Equal(0, Read(most, out _));
        Assert.Equal(431, Read(most + "|Z: z", out _));
    }

    private static int Read(string head, out long length) =>
        SessionRequest.Read(Encoding.Latin1.GetBytes($"POST /session {head.Replace("|", "\r\n", StringComparison.Ordinal)}\r\n\r\n"), out length);
}
