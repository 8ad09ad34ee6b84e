using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Media.Serve;
using ZeroOS.Media.Serve.Http;

namespace ZeroOS.Tests.Media.Serve;

public sealed class HttpTests
{
    private const string Marks = "0123456789-=: \r\n/%";
    private static readonly HttpClient s_client = new() { Timeout = TimeSpan.FromSeconds(20) };

    [Fact]
    public async Task A_file_is_sent_whole_and_its_head_alone_tells_length_and_type()
    {
        await using ServeBench bench = new();
        Assert.Equal(bench.Efi, await s_client.GetByteArrayAsync(bench.Url("zeroos.efi")));
        using HttpResponseMessage head = await s_client.SendAsync(new HttpRequestMessage(HttpMethod.Head, bench.Url("zeroos.efi")));
        Assert.Equal((HttpStatusCode.OK, 300_001L, "application/efi", "bytes"),
            (head.StatusCode, head.Content.Headers.ContentLength, head.Content.Headers.ContentType?.MediaType, head.Headers.AcceptRanges.ToString()));
        Assert.Empty(await s_client.GetByteArrayAsync(bench.Url("empty")));
        bench.Says(e => e is { Event: "loaded", File: "zeroos.efi", Bytes: 300_001 });
    }

    [Theory]
    [InlineData(0, 0, 0, 1)]
    [InlineData(100, 199, 100, 100)]
    [InlineData(300_000, null, 300_000, 1)]
    [InlineData(299_000, 999_999, 299_000, 1001)]
    [InlineData(null, 5, 299_996, 5)]
    public async Task A_range_is_sent_alone(int? from, int? to, int first, int count)
    {
        await using ServeBench bench = new();
        using HttpRequestMessage request = new(HttpMethod.Get, bench.Url("zeroos.efi"));
        request.Headers.Range = new RangeHeaderValue(from, to);
        using HttpResponseMessage answer = await s_client.SendAsync(request);
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal((first, first + count - 1, 300_001L),
            (answer.Content.Headers.ContentRange?.From, answer.Content.Headers.ContentRange?.To, answer.Content.Headers.ContentRange?.Length));
        Assert.Equal(bench.Efi.AsSpan(first, count).ToArray(), await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task What_is_not_served_is_refused_by_its_status()
    {
        await using ServeBench bench = new();
        foreach (string name in new[] { "", "nothing", "..%2fzeroos.efi", "zeroos.efi/" })
            Assert.Equal(HttpStatusCode.NotFound, (await s_client.GetAsync(bench.Url(name))).StatusCode);
        Assert.StartsWith("HTTP/1.1 404", Encoding.ASCII.GetString(await Raw(bench, "GET /../zeroos.efi HTTP/1.0\r\n\r\n")), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await s_client.PutAsync(bench.Url("zeroos.efi"), new ByteArrayContent([1]))).StatusCode);
        using HttpRequestMessage beyond = new(HttpMethod.Get, bench.Url("zeroos.efi"));
        beyond.Headers.Range = new RangeHeaderValue(300_001, null);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, (await s_client.SendAsync(beyond)).StatusCode);
    }

    [Fact]
    public async Task Firmware_of_http_1_0_gets_its_file_and_the_end_of_the_connection()
    {
        await using ServeBench bench = new();
        byte[] answer = await Raw(bench, "GET /zeroos.efi?x=1 HTTP/1.0\r\nHost: h\r\n\r\n");
        int end = HttpRequest.EndOfHead(answer);
        Assert.Contains("Connection: close", Encoding.ASCII.GetString(answer, 0, end), StringComparison.Ordinal);
        Assert.Equal(bench.Efi, answer[end..]);
    }

    [Fact]
    public async Task Two_requests_in_one_packet_are_both_answered()
    {
        await using ServeBench bench = new();
        string answer = Encoding.ASCII.GetString(await Raw(bench,
            "HEAD /empty HTTP/1.1\r\nHost: h\r\n\r\nHEAD /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
        Assert.Contains("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 404 Not Found", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n", "400")]
    [InlineData("GET zeroos.efi HTTP/1.1\r\n\r\n", "400")]
    [InlineData("GET /zeroos.efi HTTP/2.0\r\n\r\n", "400")]
    public async Task A_head_that_is_none_is_refused(string head, string status)
    {
        await using ServeBench bench = new();
        Assert.StartsWith($"HTTP/1.1 {status}", Encoding.ASCII.GetString(await Raw(bench, head)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_without_end_is_refused_after_eight_kilobytes()
    {
        await using ServeBench bench = new();
        Assert.StartsWith("HTTP/1.1 431", Encoding.ASCII.GetString(await Raw(bench, $"GET /{new string('a', HttpRequest.MaxHeadBytes)}")),
            StringComparison.Ordinal);
    }

    /// <summary>Finding 23: 128 places, and each fault that nobody foresaw kept one for ever.</summary>
    [Fact]
    public async Task Connections_that_fail_in_an_unforeseen_way_give_their_places_back()
    {
        await using ServeBench bench = new();
        int asked = 0;
        bench.Files.Put(new BootFile("broken", () => throw new InvalidOperationException($"fault {Interlocked.Increment(ref asked)}")));
        for (int i = 1; i <= HttpServer.MaxConnections + 1; i++)
        {
            Assert.Empty(await Raw(bench, "GET /broken HTTP/1.1\r\n\r\n"));
            Assert.Equal(i, Volatile.Read(ref asked));
        }
        Assert.Equal(bench.Efi, await s_client.GetByteArrayAsync(bench.Url("zeroos.efi")));
    }

    [Fact]
    public void Ten_thousand_broken_heads_are_read_without_an_exception()
    {
        byte[] seed =
            "GET /zeroos.efi HTTP/1.1\r\nHost: 192.168.77.1\r\nRange: bytes=100-199\r\nConnection: keep-alive\r\nUser-Agent: iPXE/1.0\r\n\r\n"u8.ToArray();
        Random random = new(80);
        int read = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bytes = [.. seed];
            if (random.Next(8) == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            for (int change = random.Next(1, 4); change > 0 && bytes.Length > 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : Marks[random.Next(Marks.Length)]);
            if (!HttpRequest.TryRead(bytes, out HttpRequest request))
                continue;
            read++;
            foreach (long length in new long[] { 0, 1, 150, 1L << 40 })
            {
                if (request.RangeOf(length) is { } range)
                    Assert.True(range.First >= 0 && range.Count >= 0 && range.First + range.Count <= length, $"{range} of {length}");
            }
        }
        Assert.InRange(read, 1000, 9999);
    }

    private static async Task<byte[]> Raw(ServeBench bench, string request)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync((IPEndPoint)bench.Http.LocalEndPoint!);
        using NetworkStream stream = new(socket);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        MemoryStream answer = new();
        await stream.CopyToAsync(answer, deadline.Token);
        return answer.ToArray();
    }
}
