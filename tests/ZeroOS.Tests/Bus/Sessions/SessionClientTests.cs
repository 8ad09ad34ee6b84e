using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Serving;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Bus.Sessions;

/// <summary>A client that opens sessions over HTTP, against a node that keeps to the protocol, and against others in its place.</summary>
public sealed class SessionClientTests : IAsyncLifetime
{
    private static readonly MachineName s_machine = new() { Deployment = "shop", Machine = "web" };

    private readonly SessionNode _node = new();
    private HttpTransport _transport = null!;
    private BusClient _client = null!;

    public Task InitializeAsync()
    {
        _transport = new HttpTransport("127.0.0.1", _node.Port, TimeSpan.FromSeconds(30));
        _client = new BusClient(_node.Gate.Alice, _node.Gate.Node.Id, _transport, TimeProvider.System);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _transport.Dispose();
        await _node.DisposeAsync();
    }

    [Fact]
    public async Task Session_that_is_opened_begins_carries_bytes_both_ways_and_ends()
    {
        _node.Program = async session =>
        {
            byte[] begin = await session.BegunAsync();
            await session.WriteAsync(1, begin);
            await session.EndAsync(1);
            await session.ExitAsync(0, 7);
            await session.CloseAsync(SessionCloseReason.Done);
        };
        await using Session session = await OpenAsync();
        Assert.Equal((SessionKinds.Exec, "shop", "web"), (_node.Opened!.Kind, _node.Opened.Deployment, _node.Opened.Machine));
        await session.BeginAsync("{}"u8.ToArray());
        Assert.Equal("{}", await TextAsync(session, 1));
        Assert.Equal(7, await session.ExitCodeAsync(0));
    }

    [Fact]
    public async Task Two_sessions_of_one_client_are_two_connections()
    {
        _node.Program = async session => await session.WriteAsync(1, await session.BegunAsync());
        await using Session one = await OpenAsync();
        await using Session other = await OpenAsync();
        await other.BeginAsync("other"u8.ToArray());
        await one.BeginAsync("one"u8.ToArray());
        Assert.Equal("one", await PieceAsync(one, 1));
        Assert.Equal("other", await PieceAsync(other, 1));
    }

    [Fact]
    public async Task Frames_in_the_packet_of_the_answer_are_not_lost()
    {
        _node.Open = async opening =>
        {
            byte[] line = await opening.AnswerAsync();
            using SessionCiphers ciphers = opening.Ciphers(line);
            byte[] frame = new byte[FrameSealer.Room(5)];
            int length = ciphers.Sealer.Seal(new SessionFrame(1, SessionFrameType.Data, "early"u8), frame, 0);
            await opening.SwitchAsync(line, frame[..length]);
            await opening.IsLeftAsync();
        };
        await using Session session = await OpenAsync();
        Assert.Equal("early", await PieceAsync(session, 1));
    }

    [Fact]
    public async Task Refusal_is_the_nodes_sentence()
    {
        _node.Refusal = new BusErrorException(ErrorCodes.NotFound, "you have no machine shop/web here", "machine");
        _node.Open = async opening => await opening.RefuseAsync(await opening.AnswerAsync());
        BusErrorException refusal = await Assert.ThrowsAsync<BusErrorException>(OpenAsync);
        Assert.Equal((ErrorCodes.NotFound, "machine"), (refusal.Error.Code, refusal.Error.Path));
        Assert.Equal(1, _node.Openings);
    }

    [Theory]
    [InlineData("404 Not Found", 404, "knows no sessions")]
    [InlineData("429 Too Many Requests", 429, "takes no more messages")]
    [InlineData("302 Found", 302, "HTTP 302")]
    public async Task Node_that_answers_otherwise_is_a_sentence(string status, int code, string sentence)
    {
        _node.Open = opening => opening.SendAsync(SessionOpening.Head(status, 0));
        BusTransportException e = await Assert.ThrowsAsync<BusTransportException>(OpenAsync);
        Assert.Equal(code, e.Status);
        Assert.Contains(sentence, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_new_epoch_the_client_learns_it_and_opens_again_once()
    {
        await _client.InfoAsync(CancellationToken.None);
        _node.Gate.Epoch.ClockStepped();
        _node.Open = async opening =>
        {
            byte[] line = await opening.AnswerAsync();
            if (_node.Opened is null)
                await opening.RefuseAsync(line);
            else
                await opening.SwitchAsync(line);
        };
        await using Session session = await OpenAsync();
        Assert.Equal(2, _node.Openings);
    }

    [Fact]
    public async Task Node_whose_epoch_changes_all_the_time_is_given_up_after_one_more_try()
    {
        _node.Open = async opening =>
        {
            _node.Gate.Epoch.ClockStepped();
            await opening.RefuseAsync(await opening.AnswerAsync());
        };
        Assert.Equal(ErrorCodes.Stale, (await Assert.ThrowsAsync<BusErrorException>(OpenAsync)).Error.Code);
        Assert.Equal(2, _node.Openings);
    }

    [Fact]
    public async Task Door_that_resets_is_dialled_again_with_another_opening()
    {
        HashSet<Guid> ids = [];
        HashSet<string> keys = [];
        _node.Open = async opening =>
        {
            Assert.True(ids.Add(opening.Request.Id));
            byte[] line = await opening.AnswerAsync();      // it was admitted, and the answer got lost
            Assert.True(keys.Add(_node.Opened!.Key));
            if (ids.Count < 3)
                opening.Reset();
            else
                await opening.SwitchAsync(line);
        };
        await using Session session = await OpenAsync();
        Assert.Equal((3, 3), (_node.Openings, keys.Count));
    }

    [Fact]
    public async Task Connection_that_ends_without_an_answer_or_in_the_middle_of_one_is_not_dialled_again()
    {
        _node.Open = opening =>
        {
            opening.Cut();
            return Task.CompletedTask;
        };
        await Assert.ThrowsAsync<BusTransportException>(OpenAsync);
        _node.Open = async opening =>
        {
            await opening.SwitchAsync([]);
            opening.Cut();
        };
        await Assert.ThrowsAsync<SpoofedReplyException>(OpenAsync);
        _node.Open = async opening =>
        {
            await opening.SendAsync("HTTP/1.1 101 Switching Protocols\r\n\r\n{"u8.ToArray());
            opening.Cut();
        };
        Assert.Contains("broke off", (await Assert.ThrowsAsync<BusTransportException>(OpenAsync)).Message, StringComparison.Ordinal);
        Assert.Equal(3, _node.Openings);
    }

    [Fact]
    public async Task Line_that_is_too_long_is_given_up()
    {
        TaskCompletionSource<bool> left = new();
        _node.Open = async opening =>
        {
            await opening.SwitchAsync([.. Enumerable.Repeat((byte)'x', ISessionTransport.MaxAnswerBytes + 1)]);
            left.SetResult(await opening.IsLeftAsync());
        };
        Assert.Contains("line over", (await Assert.ThrowsAsync<BusTransportException>(OpenAsync)).Message, StringComparison.Ordinal);
        Assert.True(await left.Task);
    }

    [Fact]
    public async Task Another_nodes_answer_is_not_believed_and_the_connection_is_closed()
    {
        GateBench liar = new();
        using SessionKeyPair pair = new();
        SessionOpened opened = new() { Session = "1", Key = Convert.ToBase64String(pair.PublicKey) };
        TaskCompletionSource<bool> left = new();
        _node.Open = async opening =>
        {
            Replies replies = new(liar.Node, liar.Epoch, opening.Request, seal: true);
            await opening.SwitchAsync(replies.Piece(JsonSerializer.SerializeToElement(opened, Commands.SessionOpen.Reply), end: true));
            left.SetResult(await opening.IsLeftAsync());
        };
        SpoofedReplyException e = await Assert.ThrowsAsync<SpoofedReplyException>(OpenAsync);
        Assert.Contains(liar.Node.Id.Text, e.Message, StringComparison.Ordinal);
        Assert.True(await left.Task);
    }

    [Fact]
    public async Task Answer_to_another_opening_is_not_believed()
    {
        byte[]? recorded = null;
        _node.Open = async opening => await opening.SwitchAsync(recorded ??= await opening.AnswerAsync());
        await using Session session = await OpenAsync();
        await Assert.ThrowsAsync<SpoofedReplyException>(OpenAsync);
    }

    [Fact]
    public async Task Admission_that_is_answered_as_a_refusal_is_no_session()
    {
        _node.Open = async opening => await opening.RefuseAsync(await opening.AnswerAsync());
        await Assert.ThrowsAsync<SpoofedReplyException>(OpenAsync);
    }

    [Fact]
    public async Task Key_that_makes_no_secret_or_is_none_is_not_taken()
    {
        _node.Open = async opening => await opening.SwitchAsync(await opening.AnswerAsync());
        foreach (byte[] key in (byte[][])[new byte[SessionKeyPair.Bytes], [1, .. new byte[SessionKeyPair.Bytes - 1]], [1, 2, 3], []])
        {
            _node.Key = key;
            await Assert.ThrowsAsync<SpoofedReplyException>(OpenAsync);
        }
    }

    [Fact]
    public async Task Transport_without_sessions_says_so() => await Assert.ThrowsAsync<BusTransportException>(() =>
        new BusClient(_node.Gate.Alice, _node.Gate.Node.Id, new GateTransport(_node.Gate), TimeProvider.System)
            .OpenSessionAsync(SessionKinds.Exec, s_machine, 3, CancellationToken.None));

    private Task<Session> OpenAsync() =>
        _client.OpenSessionAsync(SessionKinds.Exec, s_machine, 3, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    private static async Task<string> PieceAsync(Session session, uint channel)
    {
        byte[] buffer = new byte[100];
        int count = await session.ReadAsync(channel, buffer).WaitAsync(TimeSpan.FromSeconds(30));
        return Encoding.UTF8.GetString(buffer, 0, count);
    }

    private static async Task<string> TextAsync(Session session, uint channel)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[1000];
        while (await session.ReadAsync(channel, buffer) is > 0 and int count)
            all.Write(buffer, 0, count);
        return Encoding.UTF8.GetString(all.ToArray());
    }
}
