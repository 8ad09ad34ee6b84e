using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Http;

/// <summary>
/// A request that takes its connection over: attach and the start of an exec. It is read and answered by hand, since Kestrel upgrades no request that has a
/// body and loses what is written after the client has ended its direction.
/// </summary>
/// <param name="transport">The connection; its input stands behind the head.</param>
/// <param name="head">The request.</param>
/// <param name="path">Its path without version.</param>
/// <param name="values">What the pattern of the path left open.</param>
/// <param name="stopping">Ends when the server does. A client that has gone is noticed when it is written to.</param>
internal sealed class HijackedCall(IDuplexPipe transport, RequestHead head, DockerPath path, IReadOnlyList<string> values, CancellationToken stopping)
{
    // A client that reads the head too greedily loses the output that came with it.
    private static readonly TimeSpan s_beforeOutput = TimeSpan.FromMilliseconds(5);

    /// <summary>What stands behind the question mark.</summary>
    public DockerQuery Query { get; } = new(head.Target.Split('?', 2) is [_, string query] ? query : null);

    /// <summary>The first name in the path.</summary>
    public string Name => values[0];

    /// <summary>Ends when the server does.</summary>
    public CancellationToken Cancellation => stopping;

    /// <summary>What the client sends, once it is hijacked; its end is the end of input alone.</summary>
    public Stream Input { get; } = transport.Input.AsStream(leaveOpen: true);

    /// <summary>What the client gets, once it is hijacked.</summary>
    public Stream Output { get; } = transport.Output.AsStream(leaveOpen: true);

    /// <summary>The answer's head is out.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>The body, exactly: what stands behind it is the program's input.</summary>
    public async Task<JsonObject> ReadAsync()
    {
        if (!head.IsChunked)
            return Words.Parse(await TakeAsync(head.BodyBytes));
        List<byte> body = [];
        while (true)
        {
            if (!long.TryParse(await TakeLineAsync(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long size))
                throw DockerFault.Bad("the body is not chunked as its head says");
            body.AddRange(await TakeAsync(size));
            await TakeLineAsync();
            if (size == 0)
                return Words.Parse([.. body]);
            if (body.Count > DockerCall.MaxBodyBytes)
                throw new DockerFault(413, "the body is too long");
        }
    }

    /// <summary>Takes the connection over: from here on it carries the program's bytes. <paramref name="framed"/> says how output comes.</summary>
    public async Task HijackAsync(bool framed)
    {
        HasBegun = true;
        string type = framed && head.Upgrades && path.Minor >= 42 ? "multiplexed-stream" : "raw-stream";
        string answer = head.Upgrades ? "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n" : "HTTP/1.1 200 OK\r\n";
        await SendAsync($"{answer}Content-Type: application/vnd.docker.{type}\r\n{CommonHeaders.Text}\r\n");
        await Task.Delay(s_beforeOutput, stopping);
    }

    /// <summary>Answers as any other request is answered.</summary>
    public Task AnswerAsync(int status, JsonNode? body = null)
    {
        HasBegun = true;
        string text = body is null ? "" : Words.Text(body);
        return SendAsync(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {(status < 300 ? "OK" : "Refused")}\r\n{CommonHeaders.Text}"
            + $"Content-Type: application/json\r\nContent-Length: {text.Length}\r\nConnection: close\r\n\r\n{text}"));
    }

    private async Task SendAsync(string text)
    {
        await Output.WriteAsync(Encoding.ASCII.GetBytes(text), stopping);
        await Output.FlushAsync(stopping);
    }

    private async Task<byte[]> TakeAsync(long count)
    {
        if (count is < 0 or > DockerCall.MaxBodyBytes)
            throw new DockerFault(413, "the body is too long");
        byte[] body = new byte[count];
        await Input.ReadExactlyAsync(body, stopping);
        return body;
    }

    private async Task<string> TakeLineAsync()
    {
        while (true)
        {
            ReadResult read = await transport.Input.ReadAsync(stopping);
            if (read.Buffer.PositionOf((byte)'\n') is { } end)
            {
                string line = Encoding.ASCII.GetString(read.Buffer.Slice(0, end)).TrimEnd('\r');
                transport.Input.AdvanceTo(read.Buffer.GetPosition(1, end));
                return line;
            }
            transport.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted || read.Buffer.Length > 64)
                throw DockerFault.Bad("the body ends inside a chunk");
        }
    }
}
