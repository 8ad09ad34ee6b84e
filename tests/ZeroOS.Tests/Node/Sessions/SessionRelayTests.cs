using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

using Xunit;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Node.Sessions;

/// <summary>What a client and a guest can do to a session between them, and what reaches the other.</summary>
public sealed class SessionRelayTests : IDisposable
{
    private const uint Input = 0, Output = 1, Error = 2;

    private readonly SessionBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Program_is_begun_hears_speaks_and_ends_and_the_place_is_free_again()
    {
        TestClient opened = await _bench.OpenAsync();
        Assert.Equal(0, _bench.Connects);
        await using Session client = opened.AsSession();
        await client.BeginAsync("""{"arguments":["cat"]}"""u8.ToArray());
        TestGuest guest = await GuestAsync();
        Assert.Equal("""{"arguments":["cat"]}""", Encoding.UTF8.GetString(guest.ExpectBegin()));
        await client.WriteAsync(Input, "to the program"u8.ToArray());
        await client.ResizeAsync(Input, 80, 25);
        await client.EndAsync(Input);
        Assert.Equal("to the program"u8.ToArray(), guest.Expect(Input, SessionFrameType.Data));
        Assert.Equal(SessionFrame.SizeBody(80, 25), guest.Expect(Input, SessionFrameType.Resize));
        guest.Expect(Input, SessionFrameType.HalfClose);

        guest.Send(Output, SessionFrameType.Data, "from the program"u8);
        guest.Send(SessionFrame.SessionChannel, SessionFrameType.KeepAlive, []);
        guest.Send(Output, SessionFrameType.HalfClose, []);
        guest.Send(Error, SessionFrameType.HalfClose, []);
        guest.Send(Output, SessionFrameType.Exit, SessionFrame.ExitBody(3));
        guest.Close(SessionCloseReason.Done);
        byte[] some = new byte[100];
        Assert.Equal("from the program", Encoding.UTF8.GetString(some.AsSpan(0, await client.ReadAsync(Output, some))));
        Assert.Equal(0, await client.ReadAsync(Output, some));
        Assert.Equal(3, await client.ExitCodeAsync(Output).WaitAsync(SessionBench.Soon));
        await client.DisposeAsync();
        Assert.Null(guest.Next());
        guest.Socket.Dispose();
        _bench.AssertLeft(0);
        Assert.Equal(1, _bench.Connects);
        Assert.Empty(_bench.Log);
    }

    [Fact]
    public async Task Megabytes_go_both_ways_at_once_and_arrive_as_they_were()
    {
        TestClient client = await BegunAsync();
        TestGuest guest = await GuestAsync();
        guest.ExpectBegin();
        byte[] data = RandomNumberGenerator.GetBytes(SessionLimits.BodyBytes);
        const int Frames = 64;
        Task up = Task.Run(() =>
        {
            for (int i = 0; i < Frames; i++)
                client.Send(client.Sealed(Input, SessionFrameType.Data, data));
        });
        Task<bool> heard = Task.Run(() => Enumerable.Range(0, Frames).All(_ => guest.Expect(Input, SessionFrameType.Data).AsSpan().SequenceEqual(data)));
        Task down = Task.Run(() =>
        {
            for (int i = 0; i < Frames; i++)
                guest.Send(Output, SessionFrameType.Data, data);
        });
        long came = 0;
        Task<(SessionCloseReason Reason, string)?> closed = Task.Run(() => client.CloseAsync(count => came += count));
        await Task.WhenAll(up, down).WaitAsync(SessionBench.Soon);
        Assert.True(await heard.WaitAsync(SessionBench.Soon));
        guest.Close(SessionCloseReason.Done);
        Assert.Equal(SessionCloseReason.Done, (await closed)?.Reason);
        Assert.Equal((long)Frames * data.Length, came);
    }

    [Fact]
    public async Task Session_that_is_not_begun_in_time_is_gone_and_the_guest_was_never_asked()
    {
        TestClient client = await _bench.OpenAsync();
        _bench.Gate.Clock.Advance(TimeSpan.FromSeconds(11));
        _bench.Server.Tick();
        Assert.Equal(SessionCloseReason.TimedOut, (await client.CloseAsync())?.Reason);
        client.Socket.Dispose();
        _bench.AssertLeft(0);
        Assert.Equal(0, _bench.Connects);
    }

    [Theory]
    [InlineData("data first")]
    [InlineData("begin on a channel")]
    [InlineData("sealed for another session")]
    [InlineData("derived from another answer")]
    [InlineData("derived from another opening")]
    [InlineData("a changed bit")]
    [InlineData("a length that no frame has")]
    [InlineData("plain")]
    public async Task Nothing_but_an_authenticated_begin_asks_the_guest_for_anything(string attack)
    {
        TestClient client = await _bench.OpenAsync(), other = await _bench.OpenAsync();
        byte[] changed = attack is "a changed bit" ? client.Sealed(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8) : [];
        if (attack is "derived from another answer")
            client.DeriveFrom(client.Opening, other.Answer);
        else if (attack is "derived from another opening")
            client.DeriveFrom(other.Opening, client.Answer);
        if (changed.Length > 0)
            changed[^1] ^= 1;
        client.Send(attack switch
        {
            "data first" => client.Sealed(Input, SessionFrameType.Data, "rm -rf /"u8),
            "begin on a channel" => client.Sealed(Input, SessionFrameType.Begin, "{}"u8),
            "sealed for another session" => other.Sealed(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8),
            "a changed bit" => changed,
            "a length that no frame has" => [0xff, 0xff, 0xff],
            "plain" => TestGuest.Plain(SessionFrame.SessionChannel, SessionFrameType.Begin, "{\"arguments\":[\"sh\"]}"u8),
            _ => client.Sealed(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8),
        });
        client.Socket.Shutdown(SocketShutdown.Send);
        if (attack.StartsWith("derived", StringComparison.Ordinal))
            Assert.True(await client.Socket.ReceiveAsync(new byte[1].AsMemory()) >= 0);        // it cannot read why
        else
            Assert.Equal(SessionCloseReason.Protocol, (await client.CloseAsync())?.Reason);
        client.Socket.Dispose();
        _bench.AssertLeft(1);
        Assert.Equal(0, _bench.Connects);
    }

    [Theory]
    [InlineData("again")]
    [InlineData("left out")]
    [InlineData("changed")]
    [InlineData("of another session")]
    [InlineData("too long")]
    public async Task Frame_that_is_not_the_next_ends_the_session_and_never_reaches_the_guest(string attack)
    {
        TestClient client = await BegunAsync();
        TestGuest guest = await GuestAsync();
        TestClient other = await BegunAsync();
        byte[] good = client.Sealed(Input, SessionFrameType.Data, "good"u8);
        byte[] second = attack is "left out" or "changed" ? client.Sealed(Input, SessionFrameType.Data, "second"u8) : [];
        byte[] third = attack is "left out" ? client.Sealed(Input, SessionFrameType.Data, "third"u8) : [];
        if (attack is "changed")
            second[10] ^= 1;
        client.Send(good, attack switch
        {
            "again" => good,
            "left out" => third,
            "changed" => second,
            "of another session" => other.Sealed(Input, SessionFrameType.Data, "other"u8),
            _ => [0, 0, 0x02],
        });
        Assert.Equal(SessionCloseReason.Protocol, (await client.CloseAsync())?.Reason);
        guest.ExpectBegin();
        Assert.Equal("good"u8.ToArray(), guest.Expect(Input, SessionFrameType.Data));
        Assert.Equal(SessionCloseReason.Protocol, guest.ExpectClose());
        Assert.Null(guest.Next());
        client.Socket.Dispose();
        guest.Socket.Dispose();
        _bench.AssertLeft(1);
    }

    [Fact]
    public async Task Client_that_is_cut_off_in_a_frame_ends_the_program_without_its_half()
    {
        TestClient client = await BegunAsync();
        TestGuest guest = await GuestAsync();
        guest.ExpectBegin();
        client.Send(client.Sealed(Input, SessionFrameType.Data, "half"u8)[..^5]);
        client.Socket.Dispose();
        Assert.Equal(SessionCloseReason.Cancelled, guest.ExpectClose());
        Assert.Null(guest.Next());
        guest.Socket.Dispose();
        _bench.AssertLeft(0);
    }

    [Fact]
    public async Task Client_that_closes_is_heard_by_the_guest_after_what_it_sent()
    {
        TestClient opened = await _bench.OpenAsync();
        await using Session client = opened.AsSession();
        await client.BeginAsync("{}"u8.ToArray());
        await client.WriteAsync(Input, "last"u8.ToArray());
        await client.CloseAsync(SessionCloseReason.Cancelled, "enough");
        TestGuest guest = await GuestAsync();
        guest.ExpectBegin();
        guest.Expect(Input, SessionFrameType.Data);
        Assert.Equal(SessionCloseReason.Cancelled, guest.ExpectClose());
        Assert.Null(guest.Next());
        guest.Socket.Dispose();
        await client.DisposeAsync();
        _bench.AssertLeft(0);
    }

    [Fact]
    public async Task Keys_change_between_client_and_node_and_the_guest_does_not_hear_of_it()
    {
        TestClient client = await BegunAsync();
        TestGuest guest = await GuestAsync();
        guest.ExpectBegin();
        byte[] frames = new byte[FrameSealer.Room(4)];
        // An hour later by this end's clock: a rekey goes before the data.
        int length = client.Ciphers.Sealer.Seal(new SessionFrame(Input, SessionFrameType.Data, "data"u8), frames, 3_600_001);
        Assert.True(length > FrameSealer.Overhead + SessionFrame.HeadBytes + 4);
        client.Send(frames[..length]);
        Assert.Equal("data"u8.ToArray(), guest.Expect(Input, SessionFrameType.Data));
    }

    [Theory]
    [InlineData("too long")]
    [InlineData("too short")]
    [InlineData("a rekey")]
    [InlineData("a begin")]
    [InlineData("no type")]
    [InlineData("a wrong body")]
    [InlineData("a flood")]
    public async Task Guest_that_does_not_keep_to_the_protocol_loses_its_session_and_the_client_hears_why(string attack)
    {
        TestClient client = await BegunAsync(), other = await BegunAsync();
        TestGuest guest = await GuestAsync(2);
        byte[] said = attack switch
        {
            "too long" => [6, 0, 1],
            "too short" => [4, 0, 0, 1, 2, 3, 4],
            "a rekey" => [5, 0, 0, 0xff, 0xff, 0xff, 0xff, (byte)SessionFrameType.Rekey],
            "a begin" => [6, 0, 0, 0xff, 0xff, 0xff, 0xff, (byte)SessionFrameType.Begin, (byte)'x'],
            "no type" => [6, 0, 0, 1, 0, 0, 0, 99, 0],
            "a wrong body" => [6, 0, 0, 1, 0, 0, 0, (byte)SessionFrameType.Exit, 0],
            _ => [.. Enumerable.Repeat(TestGuest.Plain(SessionFrame.SessionChannel, SessionFrameType.KeepAlive, []),
                (2 * SessionLimits.FramesPerSecond) + 1).SelectMany(f => f)],
        };
        guest.Raw(said);
        (SessionCloseReason reason, string sentence) = (await other.CloseAsync())!.Value;
        Assert.Equal(SessionCloseReason.Protocol, reason);
        Assert.StartsWith("the guest broke the protocol", sentence, StringComparison.Ordinal);
        // Another session of the same machine goes on.
        client.Send(client.Sealed(Input, SessionFrameType.Data, "x"u8));
        other.Socket.Dispose();
        guest.Socket.Dispose();
        _bench.AssertLeft(1);
    }

    [Fact]
    public async Task Exit_from_nowhere_is_no_exit_code()
    {
        TestClient opened = await _bench.OpenAsync();
        await using Session client = opened.AsSession();
        await client.BeginAsync("{}"u8.ToArray());
        TestGuest guest = await GuestAsync();
        guest.Send(7, SessionFrameType.Exit, SessionFrame.ExitBody(0));
        guest.Close(SessionCloseReason.Done);
        Assert.Equal(SessionCloseReason.Protocol,
            (await Assert.ThrowsAsync<SessionException>(() => client.ExitCodeAsync(Output).WaitAsync(SessionBench.Soon))).Reason);
    }

    [Fact]
    public async Task Client_that_floods_frames_without_data_loses_the_session()
    {
        TestClient client = await BegunAsync();
        TestGuest guest = await GuestAsync();
        for (int i = 0; i <= 2 * SessionLimits.FramesPerSecond; i++)
            client.Send(client.Sealed(SessionFrame.SessionChannel, SessionFrameType.KeepAlive, []));
        Assert.Equal(SessionCloseReason.Protocol, (await client.CloseAsync())?.Reason);
        while (guest.Next() is { Type: not SessionFrameType.Close })
        {
        }
    }

    [Fact]
    public async Task Guest_that_floods_a_client_that_does_not_read_is_stopped_and_nothing_is_lost()
    {
        TestClient client = await BegunAsync(Small);
        TestGuest guest = await GuestAsync();
        Small(guest.Socket);
        guest.Socket.Blocking = false;
        byte[] frame = TestGuest.Plain(Output, SessionFrameType.Data, new byte[SessionLimits.BodyBytes]);
        long sent = 0;
        while (sent < 64 << 20 && guest.Socket.Poll(300_000, SelectMode.SelectWrite))
            sent += guest.Socket.Send(frame.AsSpan((int)(sent % frame.Length)));
        Assert.InRange(sent, 1, 1 << 20);       // what sockets hold, and a frame
        guest.Socket.Blocking = true;
        Task rest = Task.Run(() =>
        {
            guest.Raw(frame.AsSpan((int)(sent % frame.Length)));
            guest.Close(SessionCloseReason.Done);
        });
        long came = 0;
        Assert.Equal(SessionCloseReason.Done, (await client.CloseAsync(count => came += count))?.Reason);
        await rest.WaitAsync(SessionBench.Soon);
        Assert.Equal(((sent / frame.Length) + 1) * SessionLimits.BodyBytes, came);

        static void Small(Socket socket) => socket.ReceiveBufferSize = socket.SendBufferSize = 16 << 10;
    }

    [Fact]
    public async Task Client_that_takes_nothing_for_long_loses_the_session_and_the_guest_is_told()
    {
        TestClient client = await BegunAsync(socket => socket.ReceiveBufferSize = socket.SendBufferSize = 16 << 10);
        TestGuest guest = await GuestAsync();
        guest.ExpectBegin();
        guest.Socket.Blocking = false;
        byte[] frame = TestGuest.Plain(Output, SessionFrameType.Data, new byte[SessionLimits.BodyBytes]);
        for (int sent = 0; guest.Socket.Poll(200_000, SelectMode.SelectWrite);)
            sent += guest.Socket.Send(frame.AsSpan(sent % frame.Length));
        guest.Socket.Blocking = true;
        _bench.Gate.Clock.Advance(TimeSpan.FromSeconds(91));
        _bench.Server.Tick();
        Assert.Equal(SessionCloseReason.TimedOut, guest.ExpectClose());
        client.Socket.Dispose();
        guest.Socket.Dispose();
        _bench.AssertLeft(0);
    }

    [Fact]
    public async Task Machine_that_ends_without_a_word_is_said_to_have_ended()
    {
        TestClient client = await BegunAsync();
        TestGuest guest = await GuestAsync();
        guest.Send(Output, SessionFrameType.Exit, SessionFrame.ExitBody(0));
        guest.Socket.Dispose();
        Assert.Equal((SessionCloseReason.MachineEnded, "the machine ended"), await client.CloseAsync());
    }

    [Fact]
    public async Task Last_words_of_a_guest_count_although_the_client_still_sends()
    {
        TestClient client = await BegunAsync();
        TestGuest guest = await GuestAsync();
        guest.ExpectBegin();
        guest.Send(Output, SessionFrameType.Exit, SessionFrame.ExitBody(0));
        guest.Close(SessionCloseReason.Done);
        guest.Socket.Shutdown(SocketShutdown.Send);
        client.Send([.. Enumerable.Range(0, 20).Select(_ => client.Sealed(Input, SessionFrameType.Data, "more"u8))]);
        Assert.Equal(SessionCloseReason.Done, (await client.CloseAsync())?.Reason);
    }

    [Theory]
    [InlineData("not-running", SessionCloseReason.MachineEnded)]
    [InlineData("no-answer", SessionCloseReason.TimedOut)]
    [InlineData("busy", SessionCloseReason.OverCapacity)]
    [InlineData("", SessionCloseReason.Internal)]
    public async Task Guest_that_cannot_be_reached_is_a_reason_and_a_sentence(string failure, SessionCloseReason reason)
    {
        _bench.Unreachable = true;
        _bench.Find = (_, _) => _ => Task.FromException<Stream>(failure.Length > 0 ? new WorkloadException(failure, "it is not there")
            : new InvalidOperationException("a secret of the node"));
        TestClient client = await BegunAsync();
        (SessionCloseReason why, string sentence) = (await client.CloseAsync())!.Value;
        Assert.Equal(reason, why);
        Assert.Equal(failure.Length > 0 ? "it is not there" : "a fault of the node; its log says more", sentence);
        client.Socket.Dispose();
        _bench.AssertLeft(0);
        Assert.Equal(failure.Length == 0, _bench.Log.Any(l => l.Contains("a secret of the node", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Side_that_is_silent_or_leaves_a_frame_unfinished_ends_the_session()
    {
        TestClient silent = await BegunAsync();
        TestGuest itsGuest = await GuestAsync();
        itsGuest.ExpectBegin();
        TestClient unfinished = await BegunAsync();
        TestGuest guest = await GuestAsync(2);
        guest.ExpectBegin();
        _bench.Gate.Clock.Advance(TimeSpan.FromSeconds(50));
        _bench.Server.Tick();
        guest.Send(Output, SessionFrameType.Data, "heard"u8);
        unfinished.Send(unfinished.Sealed(Input, SessionFrameType.Data, "heard"u8));
        guest.Expect(Input, SessionFrameType.Data);
        unfinished.Send(unfinished.Sealed(Input, SessionFrameType.Data, "half"u8)[..5]);
        await Task.Delay(50);
        _bench.Gate.Clock.Advance(TimeSpan.FromSeconds(41));        // 91 in all, and 41 since the frame began
        _bench.Server.Tick();
        Assert.Equal(SessionCloseReason.TimedOut, (await silent.CloseAsync())?.Reason);
        Assert.Equal(SessionCloseReason.TimedOut, itsGuest.ExpectClose());
        silent.Socket.Dispose();
        itsGuest.Socket.Dispose();
        _bench.AssertLeft(1);
        _bench.Gate.Clock.Advance(TimeSpan.FromSeconds(20));
        _bench.Server.Tick();
        Assert.Equal(SessionCloseReason.TimedOut, (await unfinished.CloseAsync())?.Reason);
        Assert.Equal(SessionCloseReason.TimedOut, guest.ExpectClose());
    }

    private async Task<TestClient> BegunAsync(Action<Socket>? tune = null)
    {
        TestClient client = await _bench.OpenAsync(tune);
        int before = _bench.Connects;
        client.Begin();
        for (int i = 0; i < 300 && _bench.Connects == before && !_bench.Unreachable; i++)
            await Task.Delay(1);
        return client;
    }

    private async Task<TestGuest> GuestAsync(int number = 1)
    {
        using CancellationTokenSource late = new(SessionBench.Soon);
        while (_bench.Connects < number)
            await Task.Delay(1, late.Token);
        return _bench.Guest();
    }
}
