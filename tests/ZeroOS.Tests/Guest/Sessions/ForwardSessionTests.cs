using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>Forwarding inside the guest: the test is the client, and services of the test's are the programs that listen.</summary>
public sealed class ForwardSessionTests : IDisposable
{
    private readonly List<IDisposable> _ours = [];
    private readonly GuestSessions _sessions;
    private readonly Places _places = new(ForwardSession.MostOfMachine);
    private StreamSocket? _next;

    public ForwardSessionTests()
    {
        _sessions = new GuestSessions(Dial);
        _sessions.Open(new Dictionary<string, SessionKind> { ["forward"] = SessionKind.Forward(_places) });
    }

    public void Dispose()
    {
        _ours.ForEach(o => o.Dispose());
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Bytes_go_both_ways_on_several_channels_as_they_were()
    {
        int port = Keep(PlayedService.Echo()).Port;
        PlainClient client = Begun();
        uint one = client.Open(port), other = client.Open(port);
        byte[] data = RandomNumberGenerator.GetBytes(500_003);
        Assert.Equal(data, client.Exchange(one, data));
        Assert.Equal(data[..70_000], client.Exchange(other, data[..70_000]));
        Assert.Equal(data[..100], client.Exchange(one, data[..100]));
    }

    [Fact]
    public void Clients_end_is_the_programs_end_of_input_and_the_answer_still_comes()
    {
        int port = Keep(new PlayedService(connection =>
        {
            int sum = 0;
            byte[] buffer = new byte[1000];
            while (connection.Receive(buffer) is > 0 and int count)
                sum += count;
            PlayedService.SendAll(connection, Encoding.ASCII.GetBytes($"{sum}"));
        })).Port;
        PlainClient client = Begun();
        uint channel = client.Open(port);
        client.SendAll(new byte[12_345]);
        Assert.Equal("12345", client.Until(channel, "12345"));
        Assert.Equal("HalfClose 0", client.Next());
        Assert.Equal("Close 0 Done", client.Next());
    }

    [Fact]
    public void Programs_end_is_the_clients_and_what_is_sent_afterwards_still_arrives()
    {
        string came = "";
        PlayedService service = Keep(new PlayedService(connection =>
        {
            connection.Shutdown(SocketShutdown.Send);
            byte[] buffer = new byte[100];
            while (connection.Receive(buffer) is > 0 and int count)
                came += Encoding.ASCII.GetString(buffer, 0, count);
        }));
        PlainClient client = Begun();
        uint channel = client.Open(service.Port);
        Assert.Equal("HalfClose 0", client.Next());
        client.Send(channel, SessionFrameType.Data, "late"u8);
        client.Send(channel, SessionFrameType.HalfClose, []);
        Assert.Equal("Close 0 Done", client.Next());
        Assert.Equal("end", service.NextEnd());
        Assert.Equal("late", came);
    }

    [Fact]
    public void Port_at_which_nothing_listens_is_a_sentence_and_the_session_goes_on()
    {
        using HeldPort held = new();
        PlainClient client = Begun();
        client.Open(held.Number);
        Assert.Equal($"Close 0 Refused nothing listens at port {held.Number} in the machine", client.Next());
        Assert.Equal("x"u8.ToArray(), client.Exchange(client.Open(Keep(PlayedService.Echo()).Port), "x"u8.ToArray()));
    }

    [SkippableFact]
    public void Program_that_listens_on_the_other_loopback_alone_is_found()
    {
        Skip.IfNot(Socket.OSSupportsIPv6 && File.ReadAllText("/proc/net/if_inet6").Contains(" lo\n", StringComparison.Ordinal), "there is no ::1 here");
        PlainClient client = Begun();
        Assert.Equal("x"u8.ToArray(), client.Exchange(client.Open(Keep(PlayedService.Echo(IPAddress.IPv6Loopback)).Port), "x"u8.ToArray()));
    }

    [Theory]
    [InlineData("""{"port":0}""", "0 is no port")]
    [InlineData("""{"port":65536}""", "65536 is no port")]
    [InlineData("""{"port":-1}""", "-1 is no port")]
    [InlineData("""{"port":"80"}""", "what is to be done cannot be read")]
    [InlineData("""{"port":80,"host":"10.0.0.1"}""", "what is to be done cannot be read")]
    [InlineData("""{}""", "what is to be done cannot be read")]
    [InlineData("null", "there is nothing to do")]
    public void Channel_that_is_begun_wrongly_is_refused_and_the_session_goes_on(string begin, string sentence)
    {
        PlainClient client = Begun();
        client.Open(Encoding.UTF8.GetBytes(begin));
        Assert.StartsWith($"Close 0 Refused {sentence}", client.Next(), StringComparison.Ordinal);
        client.Open(Encoding.UTF8.GetBytes(begin + new string(' ', ForwardBegin.MaxBytes)));
        Assert.Equal("Close 1 Refused what is to be done is too long", client.Next());
        Assert.Equal("x"u8.ToArray(), client.Exchange(client.Open(Keep(PlayedService.Echo()).Port), "x"u8.ToArray()));
    }

    [Fact]
    public void Session_that_is_begun_wrongly_is_refused()
    {
        PlainClient client = Dialled();
        client.Send(SessionFrame.SessionChannel, SessionFrameType.Begin, """{"port":80}"""u8);
        Assert.StartsWith("Close Refused what is to be done cannot be read", client.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public void Connection_beyond_the_most_is_told_so_and_one_that_is_closed_makes_room()
    {
        int port = Keep(PlayedService.Echo()).Port;
        PlainClient client = Begun();
        for (int i = 0; i < ForwardSession.Most; i++)
            Assert.Equal("x"u8.ToArray(), client.Exchange(client.Open(port), "x"u8.ToArray()));
        uint more = client.Open(port);
        Assert.StartsWith($"Close {more} OverCapacity the session has {ForwardSession.Most} connections", client.Next(), StringComparison.Ordinal);
        client.Close(3);
        uint another = client.Open(port);
        Assert.Equal("Close 3 Cancelled", client.Next());
        Assert.Equal("y"u8.ToArray(), client.Exchange(another, "y"u8.ToArray()));
    }

    [Fact]
    public void All_sessions_together_have_so_many_connections_and_give_their_places_back()
    {
        for (int i = 1; i < ForwardSession.MostOfMachine; i++)
            Assert.True(_places.TryTake());
        int port = Keep(PlayedService.Echo()).Port;
        PlainClient client = Begun();
        uint first = client.Open(port);
        Assert.Equal("x"u8.ToArray(), client.Exchange(first, "x"u8.ToArray()));
        uint second = client.Open(port);
        Assert.StartsWith($"Close {second} OverCapacity the machine has {ForwardSession.MostOfMachine}", client.Next(), StringComparison.Ordinal);
        client.Dispose();
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        Assert.True(_places.TryTake());
        Assert.False(_places.TryTake());
    }

    [Fact]
    public void Client_that_sends_beyond_its_credit_loses_the_session()
    {
        PlayedService service = Keep(PlayedService.Echo());
        PlainClient client = Begun();
        uint channel = client.Open(service.Port);
        Assert.Equal("x"u8.ToArray(), client.Exchange(channel, "x"u8.ToArray()));
        client.SendAnyway(channel, SessionFrameType.Data, new byte[SessionLimits.FirstWindow]);
        Assert.Equal("Close Protocol 16384 bytes with 16383 of credit on channel 0", client.Next());
        Assert.Equal("ConnectionReset", service.NextEnd());
    }

    [Fact]
    public void Client_that_uses_a_channels_number_again_loses_the_session()
    {
        int port = Keep(PlayedService.Echo()).Port;
        PlainClient client = Begun();
        uint channel = client.Open(port);
        Assert.Equal("x"u8.ToArray(), client.Exchange(channel, "x"u8.ToArray()));
        client.Close(channel);
        Assert.Equal("Close 0 Cancelled", client.Next());
        client.SendAnyway(channel, SessionFrameType.Begin, Encoding.ASCII.GetBytes($$"""{"port":{{port}}}"""));
        Assert.Equal("Close Protocol a begin on channel 0, which was there before", client.Next());
    }

    [Fact]
    public void Client_that_reads_nothing_on_one_channel_makes_that_one_wait_and_no_other()
    {
        int flood = Keep(new PlayedService(connection => SendForEver(connection))).Port, echo = Keep(PlayedService.Echo()).Port;
        PlainClient client = Begun();
        uint unread = client.Open(flood);
        Assert.Equal(SessionLimits.FirstWindow, client.Data(unread, SessionLimits.FirstWindow).Length);
        uint other = client.Open(echo);
        byte[] data = RandomNumberGenerator.GetBytes(100_000);
        Assert.Equal(data, client.Exchange(other, data));       // in which nothing comes of the first
        client.Grant(unread, 1000);
        Assert.Equal(1000, client.Data(unread, 1000).Length);
    }

    [Fact]
    public void Program_that_reads_nothing_makes_its_own_channel_wait_and_gets_everything_later()
    {
        using ManualResetEventSlim reads = new();
        long came = 0;
        PlayedService slow = Keep(new PlayedService(connection =>
        {
            reads.Wait(TimeSpan.FromSeconds(30));
            byte[] buffer = new byte[100_000];
            while (connection.Receive(buffer) is > 0 and int count)
                came += count;
        }, receiveBuffer: 4096));
        PlainClient client = Begun();
        uint stuck = client.Open(slow.Port);
        long sent = 0;
        string line = "";
        while (line != "nothing")
        {
            for (; client.MaySend(stuck) is > 0 and int room; sent += room)
                client.Send(stuck, SessionFrameType.Data, new byte[room]);
            line = client.Next(500);
            Assert.True(line == "nothing" || line.StartsWith("Window 0", StringComparison.Ordinal), line);
        }
        uint other = client.Open(Keep(PlayedService.Echo()).Port);
        Assert.Equal("x"u8.ToArray(), client.Exchange(other, "x"u8.ToArray()));
        client.Send(stuck, SessionFrameType.HalfClose, []);
        reads.Set();
        Assert.Equal("HalfClose 0", NextBut(client, "Window 0"));
        Assert.Equal("Close 0 Done", client.Next());
        Assert.Equal("end", slow.NextEnd());
        Assert.Equal(sent, came);
    }

    [Fact]
    public void Program_hears_that_a_connection_broke_and_not_that_it_ended()
    {
        PlayedService service = Keep(PlayedService.Echo());
        PlainClient client = Begun();
        uint channel = client.Open(service.Port);
        Assert.Equal("x"u8.ToArray(), client.Exchange(channel, "x"u8.ToArray()));
        client.Close(channel);
        Assert.Equal("Close 0 Cancelled", client.Next());
        Assert.Equal("ConnectionReset", service.NextEnd());
    }

    [Fact]
    public void Client_hears_that_a_connection_broke_and_not_that_it_ended()
    {
        int port = Keep(new PlayedService(connection =>
        {
            connection.Receive(new byte[1]);
            connection.LingerState = new LingerOption(true, 0);
        })).Port;
        PlainClient client = Begun();
        client.Send(client.Open(port), SessionFrameType.Data, "x"u8);
        Assert.Equal("Close 0 Cancelled the program in the machine reset the connection", client.Next());
    }

    [Fact]
    public void Answer_of_a_program_that_reads_no_more_still_comes()
    {
        const int Rest = 4000;
        PlayedService service = Keep(new PlayedService(connection =>
        {
            connection.Receive(new byte[1]);
            PlayedService.SendAll(connection, new byte[SessionLimits.FirstWindow + Rest]);
        }));        // closed with unread bytes: reset
        PlainClient client = Begun();
        uint channel = client.Open(service.Port);
        client.Send(channel, SessionFrameType.Data, new byte[10_000]);
        Assert.Equal(SessionLimits.FirstWindow, client.Data(channel, SessionLimits.FirstWindow).Length);
        Assert.Equal("end", service.NextEnd());
        client.Send(channel, SessionFrameType.Data, "more"u8);       // which cannot be written
        client.Grant(channel, 2 * Rest);
        Assert.Equal(Rest, client.Data(channel, Rest).Length);
        Assert.Equal("Close 0 Cancelled the program in the machine reset the connection", NextBut(client, "Window 0"));
    }

    [Fact]
    public void Connections_end_with_the_machine_and_with_their_client()
    {
        PlayedService service = Keep(PlayedService.Silent());
        PlainClient client = Begun(), other = Begun();
        for (int i = 0; i < 3; i++)
            client.Open(service.Port);
        client.Send(client.Open(Keep(PlayedService.Echo()).Port), SessionFrameType.Data, "x"u8);
        Assert.Equal("x", client.Until(3, "x"));        // so the others are connected too, or about to be
        other.Send(other.Open(Keep(PlayedService.Echo()).Port), SessionFrameType.Data, "x"u8);
        Assert.Equal("x", other.Until(0, "x"));
        client.Dispose();
        Assert.Equal(["ConnectionReset", "ConnectionReset", "ConnectionReset"], new[] { service.NextEnd(), service.NextEnd(), service.NextEnd() });
        _sessions.End();
        Assert.Equal("Close MachineEnded the machine ended", other.Next());
    }

    [Fact]
    public void Program_that_takes_no_connection_is_not_waited_for_for_ever()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        // Its queue holds one or two; who comes later is not answered.
        for (int i = 0; i < 4; i++)
        {
            Socket filler = Keep(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false });
            SocketException begun = Assert.ThrowsAny<SocketException>(() => filler.Connect(listener.LocalEndPoint!));
            Assert.Equal(SocketError.WouldBlock, begun.SocketErrorCode is SocketError.InProgress ? SocketError.WouldBlock : begun.SocketErrorCode);
        }
        GuestSessions impatient = new(Dial);
        impatient.Open(new Dictionary<string, SessionKind>
        {
            ["forward"] = new(0, () => new ForwardOrders(), (link, orders) =>
                new ForwardSession(link, (ForwardOrders)orders, _places) { DialWithinMs = 300 }.Run(orders.WaitForBegin(link)!)),
        });
        PlainClient client = Begun(impatient);
        client.Open(port);
        Assert.Equal($"Close 0 TimedOut what listens at port {port} in the machine takes no connection", client.Next());
        client.Dispose();
        impatient.WaitUntilNone(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Windows_that_are_granted_leave_room_in_the_sessions_rate()
    {
        ForwardGrants grants = new();
        for (int i = 0; i < ForwardGrants.PerSecond; i++)
            Assert.True(grants.TryTake());
        Assert.False(grants.TryTake());
        Assert.True(SpinWait.SpinUntil(grants.TryTake, TimeSpan.FromSeconds(20)));
    }

    private static void SendForEver(Socket connection)
    {
        byte[] data = new byte[10_000];
        while (true)
            connection.Send(data);
    }

    private static string NextBut(PlainClient client, string prefix)
    {
        string line = client.Next();
        while (line.StartsWith(prefix, StringComparison.Ordinal))
            line = client.Next();
        return line;
    }

    private T Keep<T>(T one) where T : IDisposable
    {
        _ours.Add(one);
        return one;
    }

    private PlainClient Begun(GuestSessions? sessions = null)
    {
        PlainClient client = Dialled(sessions);
        client.Send(SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8);
        return client;
    }

    private PlainClient Dialled(GuestSessions? sessions = null)
    {
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _next = guest;
        (sessions ?? _sessions).Dial(new GuestSession { Kind = "forward", Token = new byte[GuestProtocol.TokenBytes] }, new byte[GuestProtocol.SecretBytes]);
        PlainClient client = Keep(new PlainClient(node, channels: 0));
        client.Introduction();
        return client;
    }

    private StreamSocket? Dial(out Errno errno)
    {
        errno = Errno.None;
        return _next;
    }
}
