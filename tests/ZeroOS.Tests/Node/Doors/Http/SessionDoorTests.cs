using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Doors.Http;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Node.Bus;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Doors.Http;

/// <summary>
/// POST /session over a real socket on loopback: a door and a node in this process, and what a client may do to get a session, or to be in the way of others.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class SessionDoorTests : IAsyncLifetime
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30), s_life = TimeSpan.FromSeconds(2);

    private readonly GateBench _bench = new(TimeProvider.System);
    private readonly EchoSessions _sessions;
    private readonly List<TcpClient> _clients = [];
    private DoorConnection _node = null!;
    private InProcessDoor _door = null!;
    private string? _broken;
    private bool _closed;

    public SessionDoorTests() => _sessions = new EchoSessions(_bench);

    public async Task InitializeAsync() => _door = await InProcessDoor.OpenAsync(link =>
    {
        DoorServices services = new(_bench.Gate, _bench.Dispatcher, _bench.Routes, _bench, new LineLog(_bench.Log.Add));
        _node = new DoorConnection(link, services with { Sessions = _sessions }, why => _broken = why);
        _node.Start();
    }, limits: new ConnectionLimits { Unproven = 256, UnprovenLife = s_life, NewPerSecond = 100_000 });

    public async Task DisposeAsync()
    {
        _clients.ForEach(c => c.Dispose());
        await CloseDoorAsync();
        Assert.Null(_broken);
        Assert.Empty(_bench.Log);
    }

    [Fact]
    public async Task An_opened_session_answers_on_its_connection_and_outlives_the_door()
    {
        NetworkStream session = await OpenAsync();
        await AssertEchoesAsync(session, 300_000);
        await AssertForgottenAsync();
        Assert.Equal(1, _sessions.Open);
        await CloseDoorAsync();
        await AssertEchoesAsync(session, 300_000);
        session.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await session.ReadAsync(new byte[1]));
        Assert.True(SpinWait.SpinUntil(() => _sessions.Open == 0, s_soon));
    }

    [Fact]
    public async Task A_request_may_come_in_pieces_of_any_size()
    {
        byte[] request = Request(_sessions.Opening(_bench.Alice));
        foreach (int size in (int[])[1000, 97, 14, 13])
        {
            byte[] again = size == 1000 ? request : Request(_sessions.Opening(_bench.Alice));
            TcpClient client = await ConnectAsync();
            for (int at = 0; at < again.Length; at += size)
            {
                await client.GetStream().WriteAsync(again.AsMemory(at, Math.Min(size, again.Length - at)));
                await Task.Yield();
            }
            await AssertOpenedAsync(client.GetStream());
        }
        Assert.Equal(4, _sessions.Ran);
    }

    [Fact]
    public async Task A_refusal_is_one_signed_line_and_the_end()
    {
        _sessions.Refusal = new BusError { Code = ErrorCodes.NotFound, Message = "you have no machine of that name here" };
        string answer = await AnswerAsync(Request(_sessions.Opening(_bench.Alice)));
        AssertSigned(answer);
        Assert.Equal((0, 1), (_sessions.Ran, _sessions.Disposed));
        await AssertForgottenAsync();
    }

    [Fact]
    public async Task Another_command_is_answered_and_an_answer_too_long_for_this_way_ends_the_connection()
    {
        AssertSigned(await AnswerAsync(Request(_bench.Seal(_bench.Request(_bench.Alice), _bench.Alice))));
        AssertSigned(await AnswerAsync(Request(_bench.InfoRequest(_bench.Stranger).Sign(_bench.Stranger))));
        AssertSigned(await AnswerAsync(Request(_sessions.Opening(_bench.Owner))));      // denied
        Assert.Equal("", await AnswerAsync(Request(_bench.Seal(_bench.Request(_bench.Alice, Commands.EventsWatch.Name, """{"after":-3000}"""), _bench.Alice))));
        Assert.Empty(_sessions.Asked);
        await AssertForgottenAsync();
    }

    [Fact]
    public async Task An_opening_that_comes_by_post_bus_is_invalid()
    {
        using HttpTransport transport = new("127.0.0.1", _door.Port, TimeSpan.FromSeconds(10));
        BusClient client = new(_bench.Alice, _bench.Node.Id, transport, TimeProvider.System);
        BusErrorException e = await Assert.ThrowsAsync<BusErrorException>(() => client.CallAsync(Commands.SessionOpen,
            new SessionOpen { Kind = SessionKinds.Exec, Deployment = "shop", Machine = "web", Key = Convert.ToBase64String(new byte[32]) },
            CancellationToken.None));
        Assert.Equal((ErrorCodes.Invalid, "a session is opened by POST /session"), (e.Error.Code, e.Error.Message));
        Assert.Empty(_sessions.Asked);
    }

    [Theory]
    [InlineData("HTTP/1.1|Host: n", 411)]
    [InlineData("HTTP/1.1|Transfer-Encoding: chunked", 411)]
    [InlineData("HTTP/1.0|Content-Length: 2", 505)]
    [InlineData("HTTP/1.1|Content-Length: 2|Content-Length: 2", 400)]
    [InlineData("HTTP/1.1|Expect: 100-continue|Content-Length: 2", 417)]
    [InlineData("HTTP/1.1|Content-Length: 1048577", 413)]
    [InlineData("HTTP/1.1|many headers", 431)]
    [InlineData("HTTP/1.1|a long header", 431)]
    [InlineData("HTTP/1.1|Content-Length: 0", 400)]
    [InlineData("HTTP/1.1|Content-Length: 2|{}", 400)]
    public async Task What_is_no_request_for_a_session_gets_a_bare_status(string head, int status)
    {
        head = head.Replace("|many headers", string.Concat(Enumerable.Repeat("|X: y", 33)), StringComparison.Ordinal)
            .Replace("|a long header", $"|X: {new string('x', SessionRequest.MaxHeadBytes)}", StringComparison.Ordinal);
        string body = head.EndsWith("|{}", StringComparison.Ordinal) ? "{}" : "";
        head = $"POST /session {head.Replace("|{}", "", StringComparison.Ordinal).Replace("|", "\r\n", StringComparison.Ordinal)}\r\n\r\n";
        string answer = await AnswerAsync(Encoding.ASCII.GetBytes(head + body));
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", answer, StringComparison.Ordinal);
        Assert.Empty(_sessions.Asked);
    }

    [Fact]
    public async Task A_byte_behind_the_body_ends_the_connection()
    {
        Assert.Equal("", await AnswerAsync([.. Request(_sessions.Opening(_bench.Alice)), 0]));
        Assert.Empty(_sessions.Asked);
        await AssertForgottenAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_speaks_or_goes_while_the_node_decides_gets_no_session(bool goes)
    {
        TaskCompletionSource decides = new();
        _sessions.Decides = decides.Task;
        TcpClient client = await ConnectAsync();
        await client.GetStream().WriteAsync(Request(_sessions.Opening(_bench.Alice)));
        Assert.True(SpinWait.SpinUntil(() => !_sessions.Asked.IsEmpty, s_soon));
        if (goes)
            client.Client.Shutdown(SocketShutdown.Send);
        else
            await client.GetStream().WriteAsync(new byte[1]);
        Assert.Equal("", await ToTheEndAsync(client));
        decides.SetResult();
        await AssertForgottenAsync();
        Assert.Equal(0, _sessions.Ran);
        NetworkStream honest = await OpenAsync();
        await AssertEchoesAsync(honest, 10);
    }

    /// <summary>What says nothing, too little, or too slowly is counted where it comes from, and has the time of every unproven connection.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("P")]
    [InlineData("POST /session")]
    [InlineData("POST /session HTTP/1.1\r\nHost: n\r\n")]
    [InlineData("POST /session HTTP/1.1\r\nContent-Length: 5000\r\n\r\n{")]
    public async Task A_silent_connection_is_counted_and_ended_in_time(string first)
    {
        for (int i = 0; i < 3; i++)
            await (await ConnectAsync()).GetStream().WriteAsync(Encoding.ASCII.GetBytes(first));
        Assert.True(SpinWait.SpinUntil(() => _door.Http.Connections.Unproven == 3, s_life), "they are not counted");
        foreach (TcpClient client in _clients)
            Assert.Equal("", await ToTheEndAsync(client));
        Assert.Equal((0, 0), _door.Http.Connections);
    }

    [Theory]
    [InlineData("head")]
    [InlineData("body")]
    public async Task A_request_byte_by_byte_is_ended_in_time(string part)
    {
        TcpClient client = await ConnectAsync();
        NetworkStream wire = client.GetStream();
        long begun = Stopwatch.GetTimestamp();
        if (part == "body")
            await wire.WriteAsync("POST /session HTTP/1.1\r\nContent-Length: 3000\r\n\r\n"u8.ToArray());
        byte[] slowly = Encoding.ASCII.GetBytes("POST /session HTTP/1.1\r\nX: " + new string('x', 3000));
        Task<string> answer = ToTheEndAsync(client);
        for (int i = 0; i < slowly.Length && !answer.IsCompleted; i++)
        {
            try
            {
                await wire.WriteAsync(slowly.AsMemory(i, 1));
            }
            catch (IOException)
            {
                break;      // it ended
            }
            await Task.Delay(20);
        }
        Assert.Equal("", await answer);
        Assert.InRange(Stopwatch.GetElapsedTime(begun), s_life - TimeSpan.FromSeconds(1), s_life + TimeSpan.FromSeconds(8));
        Assert.Equal((0, 0), _door.Http.Connections);
    }

    [Theory]
    [InlineData("GET /session HTTP/1.1\r\nHost: n\r\n\r\n", 404)]
    [InlineData("POST /sessions HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n", 404)]
    [InlineData("POST /session?kind=exec HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n", 404)]
    [InlineData("POST /bus HTTP/1.1\r\nHost: n\r\nContent-Length: 2\r\n\r\n{}", 400)]
    [InlineData("PUT / HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n", 404)]
    [InlineData("nonsense\r\n\r\n", 400)]
    public async Task Everything_else_goes_to_kestrel_however_slowly_it_begins(string request, int status)
    {
        Assert.StartsWith($"HTTP/1.1 {status} ", await AnswerAsync(Encoding.ASCII.GetBytes(request)), StringComparison.Ordinal);
        TcpClient client = await ConnectAsync();
        const int Slow = 10;
        for (int i = 0; i < Slow; i++)
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request[i..(i + 1)]));
            await Task.Delay(10);
        }
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request[Slow..]));
        Assert.StartsWith($"HTTP/1.1 {status} ", await ToTheEndAsync(client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_one_after_the_other_on_one_connection_are_all_answered()
    {
        TcpClient client = await ConnectAsync();
        byte[] both = [.. Request(Echo(), "/bus"), .. Request(Echo(), "/bus")];
        await client.GetStream().WriteAsync(both.AsMemory(0, 3));
        await Task.Delay(50);
        await client.GetStream().WriteAsync(both.AsMemory(3));
        byte[] answers = new byte[64 * 1024];
        int length = 0;
        while (Encoding.ASCII.GetString(answers, 0, length).Split("HTTP/1.1 200").Length < 3)
        {
            int read = await client.GetStream().ReadAsync(answers.AsMemory(length)).AsTask().WaitAsync(s_soon);
            Assert.NotEqual(0, read);
            length += read;
        }
        Assert.Equal((0, 1), _door.Http.Connections);

        byte[] Echo() => _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice);
    }

    [Fact]
    public async Task Silent_connections_that_fill_the_table_make_room_for_one_that_asks()
    {
        for (int i = 0; i < 300; i++)
        {
            TcpClient attacker = await ConnectAsync($"127.{1 + (i % 200)}.{i % 50}.{1 + (i % 250)}");
            await attacker.GetStream().WriteAsync("POST /session HTTP/1.1\r\n"u8.ToArray());
        }
        Assert.InRange(_door.Http.Connections.Unproven, 0, 256);
        await AssertEchoesAsync(await OpenAsync(), 10);
    }

    [Fact]
    public async Task Sessions_opened_refused_and_broken_leave_nothing_behind()
    {
        await RoundsAsync(5);
        ProcessCounts before = ProcessCounts.Now;
        await RoundsAsync(60);
        before.AssertReturns();
        await AssertForgottenAsync();
        Assert.Equal(0, _sessions.Open);

        async Task RoundsAsync(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                await Task.Delay(20);       // a tenant has 50 messages a second
                TcpClient client = await ConnectAsync();
                await client.GetStream().WriteAsync(Request(_sessions.Opening(_bench.Alice)));
                await AssertOpenedAsync(client.GetStream());
                client.Dispose();
                Assert.Equal("", await AnswerAsync([.. Request(_sessions.Opening(_bench.Alice)), 0]));
                Assert.StartsWith("HTTP/1.1 400", await AnswerAsync(Request("{}"u8.ToArray())), StringComparison.Ordinal);
                _clients.ForEach(c => c.Dispose());
                _clients.Clear();
            }
            Assert.True(SpinWait.SpinUntil(() => _sessions.Open == 0, s_soon));
        }
    }

    private async Task CloseDoorAsync()
    {
        if (_closed)
            return;
        _closed = true;
        await _door.DisposeAsync();
        _node.Dispose();
    }

    private static byte[] Request(byte[] envelope, string path = "/session") =>
        [.. Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: n\r\nContent-Length: {envelope.Length}\r\n\r\n"), .. envelope];

    private async Task<NetworkStream> OpenAsync()
    {
        TcpClient client = await ConnectAsync();
        await client.GetStream().WriteAsync(Request(_sessions.Opening(_bench.Alice)));
        await AssertOpenedAsync(client.GetStream());
        return client.GetStream();
    }

    private async Task AssertOpenedAsync(NetworkStream stream)
    {
        string answer = "";
        byte[] one = new byte[1];
        while (!answer.StartsWith(EchoSessions.Head, StringComparison.Ordinal) || answer[^1] != '\n' || answer.Length == EchoSessions.Head.Length)
        {
            Assert.Equal(1, await stream.ReadAsync(one).AsTask().WaitAsync(s_soon));
            answer += (char)one[0];
        }
        AssertSignedLine(answer[EchoSessions.Head.Length..]);
    }

    private static async Task AssertEchoesAsync(NetworkStream stream, int bytes)
    {
        byte[] sent = new byte[bytes], back = new byte[bytes];
        Random.Shared.NextBytes(sent);
        Task writing = stream.WriteAsync(sent).AsTask();
        await stream.ReadExactlyAsync(back).AsTask().WaitAsync(s_soon);
        await writing;
        Assert.Equal(sent, back);
    }

    private async Task AssertForgottenAsync()
    {
        await Task.Yield();
        Assert.True(SpinWait.SpinUntil(() => _door.Http.Connections == (0, 0), s_soon), $"{_door.Http.Connections}");
    }

    private void AssertSigned(string answer)
    {
        string[] parts = answer.Split("\r\n\r\n", 2);
        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n", parts[0], StringComparison.Ordinal);
        Assert.EndsWith($"Content-Length: {parts[1].Length}\r\nConnection: close", parts[0], StringComparison.Ordinal);
        AssertSignedLine(parts[1]);
    }

    private void AssertSignedLine(string line)
    {
        Assert.EndsWith("\n", line, StringComparison.Ordinal);
        Assert.True(Envelope.TryRead(Encoding.UTF8.GetBytes(line[..^1]), out Envelope? reply) && reply.EverySignatureVerifies());
        Assert.Equal(_bench.Node.Id, reply.Sender);
    }

    private async Task<string> AnswerAsync(byte[] request)
    {
        TcpClient client = await ConnectAsync();
        try
        {
            await client.GetStream().WriteAsync(request);
        }
        catch (IOException)
        {
            // it was answered, or ended, before it was whole
        }
        return await ToTheEndAsync(client);
    }

    private async Task<TcpClient> ConnectAsync(string from = "127.0.0.1")
    {
        TcpClient client = new(new IPEndPoint(IPAddress.Parse(from), 0));
        _clients.Add(client);
        await client.ConnectAsync(IPAddress.Loopback, _door.Port);
        return client;
    }

    // What came until the end, whatever kind of end it is.
    private static async Task<string> ToTheEndAsync(TcpClient client)
    {
        using CancellationTokenSource deadline = new(s_soon);
        byte[] buffer = new byte[64 * 1024];
        int length = 0;
        try
        {
            while (await client.Client.ReceiveAsync(buffer.AsMemory(length), deadline.Token) is > 0 and int read)
                length += read;
        }
        catch (SocketException)
        {
            // it was reset
        }
        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
