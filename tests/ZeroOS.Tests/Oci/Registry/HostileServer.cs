using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ZeroOS.Tests.Oci.Registry;

/// <summary>
/// A server that speaks HTTP wrongly in as many ways as a seed has: any status, ranges that were not asked for, wrong lengths, broken chunks, endless
/// headers, redirects in circles, bodies that stop, connections that are cut anywhere.
/// </summary>
internal sealed class HostileServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Random _random;
    private readonly Lock _gate = new();

    public HostileServer(int seed)
    {
        _random = new Random(seed);
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _ = ServeAsync();
    }

    public Uri Url { get; }

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                TcpClient client = await _listener.AcceptTcpClientAsync();
                _ = AnswerAsync(client);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                byte[] request = new byte[16 * 1024];
                if (await client.GetStream().ReadAsync(request) == 0)
                    return;
                byte[] answer;
                lock (_gate)
                    answer = Answer();
                await client.GetStream().WriteAsync(answer);
            }
            catch (IOException)
            {
            }
        }
    }

    private byte[] Answer()
    {
        int[] statuses = [200, 200, 206, 206, 206, 201, 204, 301, 302, 307, 401, 403, 404, 416, 429, 500, 503, 999, 0];
        byte[] body = new byte[_random.Next(4) == 0 ? 0 : _random.Next(200_000)];
        _random.NextBytes(body);
        StringBuilder head = new($"HTTP/1.1 {statuses[_random.Next(statuses.Length)]} Whatever\r\n");
        Maybe(head, 2, $"Content-Range: bytes {Number()}-{Number()}/{Number()}");
        Maybe(head, 2, $"Location: {(_random.Next(2) == 0 ? Url + "v2/x/blobs/again" : "http://\u0001bad url/")}");
        Maybe(head, 2, _random.Next(2) == 0 ? $"WWW-Authenticate: Bearer realm=\"{Url}token\",service=\"s\"" : "WWW-Authenticate: Basic realm=\"");
        Maybe(head, 3, "Docker-Content-Digest: sha256:nonsense");
        Maybe(head, 3, "Content-Type: \"application/");
        Maybe(head, 8, "X-Long: " + new string('a', 100_000));
        Maybe(head, 3, "Retry-After: 0");
        bool chunked = _random.Next(3) == 0;
        if (chunked)
            head.Append("Transfer-Encoding: chunked\r\n");
        else
            Maybe(head, 2, $"Content-Length: {Number()}", $"Content-Length: {body.Length}");
        head.Append("Connection: close\r\n\r\n");
        byte[] start = Encoding.Latin1.GetBytes(head.ToString());
        byte[] sent = chunked
            ? [.. start, .. Encoding.ASCII.GetBytes($"{body.Length + _random.Next(3):x}\r\n"), .. body, .. "\r\n0\r\n\r\n"u8]
            : [.. start, .. body];
        for (int i = _random.Next(3) == 0 ? _random.Next(4) : 0; i > 0; i--)
            sent[_random.Next(sent.Length)] = (byte)_random.Next(256);
        return _random.Next(4) == 0 ? sent[.._random.Next(sent.Length)] : sent;
    }

    private string Number() =>
        (_random.Next(5) switch { 0 => -1L, 1 => long.MaxValue, 2 => 0, 3 => 999, _ => _random.Next(200_000) }).ToString(CultureInfo.InvariantCulture);

    private void Maybe(StringBuilder head, int oneIn, string line, string? otherwise = null)
    {
        if (_random.Next(oneIn) == 0)
            head.Append(line).Append("\r\n");
        else if (otherwise is not null)
            head.Append(otherwise).Append("\r\n");
    }
}
