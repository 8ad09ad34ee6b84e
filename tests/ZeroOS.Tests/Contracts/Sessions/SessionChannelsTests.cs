using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Contracts.Sessions;

/// <summary>One end's channels: credit, ends, and every way in which a peer can break the rules.</summary>
public sealed class SessionChannelsTests
{
    private readonly SessionChannels _client = new(opens: true, 0), _server = new(opens: false, 0);

    public SessionChannelsTests()
    {
        _client.Make(3);
        _server.Make(3);
        Assert.Equal(SessionVerdict.Take, Come(_server, SessionFrame.SessionChannel, SessionFrameType.Begin, [1]));
    }

    [Fact]
    public void Data_flows_within_credit_and_half_a_window_is_granted_at_once()
    {
        Assert.Equal(SessionLimits.FirstWindow, _client.MaySend(0));
        Pass(_client, _server, 0, SessionFrameType.Data, new byte[SessionLimits.FirstWindow]);
        Assert.Equal(0, _client.MaySend(0));
        Assert.Equal(0u, _server.Taken(0, 8191));
        Assert.Equal(8192u, _server.Taken(0, 1));
        Pass(_server, _client, 0, SessionFrameType.Window, SessionFrame.CreditBody(8192));
        Assert.Equal(8192, _client.MaySend(0));
    }

    [Fact]
    public void Larger_window_is_granted_when_it_is_set_and_a_smaller_one_takes_nothing_back()
    {
        Assert.Equal((1u << 20) - SessionLimits.FirstWindow, _server.SetWindow(0, 1 << 20));
        Pass(_server, _client, 0, SessionFrameType.Window, SessionFrame.CreditBody((1 << 20) - SessionLimits.FirstWindow));
        Assert.Equal(SessionLimits.BodyBytes, _client.MaySend(0));      // a frame's worth of it
        Assert.Equal(0u, _server.SetWindow(0, 64 * 1024));
        for (int i = 0; i < 16; i++)
            Pass(_client, _server, 0, SessionFrameType.Data, new byte[SessionLimits.BodyBytes]);
        Assert.Equal(0u, _server.Taken(0, (1 << 20) - 64 * 1024));
        Assert.Equal(64u * 1024, _server.Taken(0, 64 * 1024));
    }

    [Fact]
    public void Credit_is_never_exceeded_and_never_lost()
    {
        Random random = new(Seeds.Of(nameof(Credit_is_never_exceeded_and_never_lost)));
        long sent = 0, taken = 0, onTheWay = 0;
        for (int i = 0; i < 20_000; i++)
        {
            int may = _client.MaySend(1);
            if (random.Next(2) == 0 && may > 0)
            {
                int count = random.Next(1, may + 1);
                Pass(_client, _server, 1, SessionFrameType.Data, new byte[count], i * 10);
                sent += count;
                onTheWay += count;
            }
            int take = (int)Math.Min(onTheWay, random.Next(1, 40_000));
            uint grant = _server.Taken(1, take);
            (taken, onTheWay) = (taken + take, onTheWay - take);
            if (random.Next(1000) == 0)
                grant += _server.SetWindow(1, random.Next(1024, 4 << 20));
            if (grant > 0)
                Pass(_server, _client, 1, SessionFrameType.Window, SessionFrame.CreditBody(grant), i * 10);
            Assert.True(onTheWay <= 4 << 20);
        }
        uint rest = _server.Taken(1, (int)onTheWay);
        if (rest > 0)
            Pass(_server, _client, 1, SessionFrameType.Window, SessionFrame.CreditBody(rest), 1_000_000);
        Assert.True(_client.MaySend(1) > 0 && taken > 1 << 20, $"{sent} sent, {taken} taken");
        Assert.Equal("", _server.Fault + _client.Fault);
    }

    [Fact]
    public void Half_close_ends_one_direction_and_close_both()
    {
        Pass(_client, _server, 0, SessionFrameType.HalfClose, []);
        Assert.Equal(0, _client.MaySend(0));
        Pass(_server, _client, 0, SessionFrameType.Data, [1]);
        Pass(_server, _client, 0, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, ""));
        Assert.Equal((3, 3), (_client.Count, _server.Count));           // it counts until both have closed it
        Assert.Equal(0, _server.MaySend(0));
        Pass(_client, _server, 0, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, ""));
        Assert.Equal((2, 2), (_client.Count, _server.Count));
    }

    [Fact]
    public void What_was_on_its_way_when_a_channel_was_closed_is_forgotten_and_still_held_to_its_credit()
    {
        _server.Sent(new SessionFrame(0, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, "")));
        Assert.Equal(SessionVerdict.Forget, Come(_server, 0, SessionFrameType.Data, new byte[SessionLimits.FirstWindow]));
        Assert.Equal(0u, _server.Taken(0, SessionLimits.FirstWindow));
        Assert.Equal(SessionVerdict.Break, Come(_server, 0, SessionFrameType.Data, [1]));
    }

    [Fact]
    public void Client_opens_channels_with_new_numbers_and_only_so_many()
    {
        SessionChannels client = new(opens: true, 0), server = new(opens: false, 0);
        Come(server, SessionFrame.SessionChannel, SessionFrameType.Begin, [1]);
        for (int i = 0; i < SessionLimits.Unanswered; i++)
        {
            Assert.True(client.TryOpen(out uint number));
            Pass(client, server, number, SessionFrameType.Begin, [1]);
        }
        Assert.False(client.TryOpen(out _));
        Pass(server, client, 3, SessionFrameType.Note, []);
        Assert.True(client.TryOpen(out uint next));
        Assert.Equal((uint)SessionLimits.Unanswered, next);
        for (uint i = next; i < SessionLimits.Channels; i++)
            Assert.Equal(SessionVerdict.Take, Come(server, i, SessionFrameType.Begin, [1]));
        Assert.Equal(SessionVerdict.Break, Come(server, SessionLimits.Channels, SessionFrameType.Begin, [1]));
    }

    public static TheoryData<string, uint, SessionFrameType, byte[]> Wrong => new()
    {
        { "credit", 0, SessionFrameType.Data, new byte[SessionLimits.FirstWindow + 1] },
        { "not open", 3, SessionFrameType.Data, [1] },
        { "not open", 3, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, "") },
        { "there before", 2, SessionFrameType.Begin, [1] },
        { "second begin", SessionFrame.SessionChannel, SessionFrameType.Begin, [1] },
        { "too large", 0, SessionFrameType.Window, SessionFrame.CreditBody(SessionLimits.WindowBytes) },
        { "is none", 0, SessionFrameType.Window, SessionFrame.CreditBody(0) },
        { "exit from the client", 1, SessionFrameType.Exit, SessionFrame.ExitBody(0) },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Client_that_breaks_a_rule_loses_the_session(string fault, uint channel, SessionFrameType type, byte[] body)
    {
        Assert.Equal(SessionVerdict.Break, Come(_server, channel, type, body));
        Assert.Contains(fault, _server.Fault, StringComparison.Ordinal);
        Assert.Equal(SessionVerdict.Break, Come(_server, 0, SessionFrameType.Data, [1]));
    }

    [Theory]
    [InlineData(SessionFrameType.Resize, 4)]
    [InlineData(SessionFrameType.Signal, 1)]
    [InlineData(SessionFrameType.Begin, 1)]
    public void Node_that_says_what_only_a_client_says_loses_the_session(SessionFrameType type, int bytes) =>
        Assert.Equal(SessionVerdict.Break, Come(_client, type == SessionFrameType.Begin ? 9u : 0, type, new byte[bytes]));

    [Fact]
    public void Nothing_counts_before_the_begin_after_the_end_of_a_direction_and_after_the_close()
    {
        SessionChannels fresh = new(opens: false, 0);
        fresh.Make(1);
        Assert.Equal(SessionVerdict.Break, Come(fresh, 0, SessionFrameType.Data, [1]));

        Pass(_client, _server, 0, SessionFrameType.HalfClose, []);
        Pass(_client, _server, 1, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, ""));
        SessionChannels same = new(opens: false, 0);
        Assert.Equal(SessionVerdict.Break, Come(_server, 0, SessionFrameType.Data, [1]));
        Assert.Equal(SessionVerdict.Take, Come(same, SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, "")));
        Assert.True(same.IsClosed);
        Assert.Equal(SessionVerdict.Break, Come(same, SessionFrame.SessionChannel, SessionFrameType.KeepAlive, []));
    }

    [Fact]
    public void Frames_that_cost_no_credit_have_a_rate()
    {
        for (int i = 0; i < 2 * SessionLimits.FramesPerSecond - 1; i++)
            Assert.Equal(SessionVerdict.Take, Come(_server, 0, SessionFrameType.Resize, SessionFrame.SizeBody(80, 24)));
        Assert.Equal(SessionVerdict.Take, Come(_server, 0, SessionFrameType.Resize, SessionFrame.SizeBody(80, 24), 1));
        Assert.Equal(SessionVerdict.Break, Come(_server, 0, SessionFrameType.Resize, SessionFrame.SizeBody(80, 24), 1));
        Assert.Contains("frames a second", _server.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Fault_of_this_end_is_thrown()
    {
        Assert.Throws<InvalidOperationException>(() => _client.Sent(new SessionFrame(0, SessionFrameType.Data, new byte[SessionLimits.FirstWindow + 1])));
        Assert.Throws<InvalidOperationException>(() => _client.Sent(new SessionFrame(9, SessionFrameType.Data, [1])));
        Assert.Throws<InvalidOperationException>(() => _server.TryOpen(out _));
        _client.Sent(new SessionFrame(SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, "")));
        Assert.Throws<InvalidOperationException>(() => _client.Sent(new SessionFrame(0, SessionFrameType.Data, [1])));
    }

    private static void Pass(SessionChannels from, SessionChannels to, uint channel, SessionFrameType type, byte[] body, long time = 0)
    {
        SessionFrame frame = new(channel, type, body);
        from.Sent(frame);
        Assert.Equal(SessionVerdict.Take, to.Receive(frame, time));
        Assert.Equal("", to.Fault);
    }

    private static SessionVerdict Come(SessionChannels end, uint channel, SessionFrameType type, byte[] body, long time = 0) =>
        end.Receive(new SessionFrame(channel, type, body), time);
}
