using System.Net;
using System.Net.Sockets;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Doors;
using ZeroOS.Linux;
using ZeroOS.Node.Bus;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Bus;

/// <summary>Connections that a door hands to the node, by a door that was taken over: the test hands over what it likes.</summary>
public sealed class SessionHandTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30), s_handWithin = TimeSpan.FromSeconds(3);

    private readonly GateBench _bench = new(TimeProvider.System);
    private readonly EchoSessions _sessions;
    private readonly SeqPacketSocket _door;
    private readonly DoorConnection _connection;
    private readonly TaskCompletionSource<string?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _buffer = new byte[SeqPacketSocket.MaxMessage];
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<IDisposable> _open = [];

    public SessionHandTests()
    {
        _sessions = new EchoSessions(_bench);
        (SeqPacketSocket ours, _door) = SeqPacketSocket.Pair();
        _connection = new DoorConnection(ours, new DoorServices(_bench.Gate, _bench.Dispatcher, _bench.Routes, _bench, LineLog.Quiet)
        {
            Sessions = _sessions,
            HandWithin = s_handWithin,
        }, _ended.SetResult);
        _connection.Start();
        _listener.Start();
        Assert.Equal(DoorVerb.Keys, Receive().Head.Verb);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _door.Dispose();
        _listener.Dispose();
        _open.ForEach(o => o.Dispose());
    }

    [Fact]
    public async Task The_node_answers_on_the_connection_that_was_handed_over()
    {
        byte[] opening = _sessions.Opening(_bench.Alice);
        Ask(1, opening);
        (DoorMessage head, byte[] body) = Receive();
        Assert.Equal(new DoorMessage(DoorVerb.Begin, DoorMessage.HandFlag | DoorMessage.ProvenFlag, 1), head);
        Assert.Equal([101, 0], body);
        TcpClient client = Hand(1);
        Assert.Equal(new DoorMessage(DoorVerb.End, 0, 1), Receive().Head);
        using StreamReader reader = new(client.GetStream());
        Assert.Equal("HTTP/1.1 101 Switching Protocols", await reader.ReadLineAsync().WaitAsync(s_soon));
        Assert.Equal(opening, Assert.Single(_sessions.Asked));
        Assert.Equal((1, 0), (_sessions.Ran, _sessions.Disposed));
        Assert.False(_ended.Task.IsCompleted);
    }

    [Fact]
    public void A_refusal_is_an_ordinary_answer()
    {
        _sessions.Refusal = new BusError { Code = ErrorCodes.NotFound, Message = "you have no machine of that name here" };
        Ask(1, _sessions.Opening(_bench.Alice));
        (DoorMessage head, byte[] body) = Receive();
        Assert.Equal((new DoorMessage(DoorVerb.Begin, DoorMessage.ProvenFlag, 1), 200), (head, body[0]));
        Assert.Equal(DoorVerb.Piece, Receive().Head.Verb);
        Assert.Equal(new DoorMessage(DoorVerb.End, 0, 1), Receive().Head);
        Assert.Equal((0, 1), (_sessions.Ran, _sessions.Disposed));
    }

    [Fact]
    public void What_is_no_opening_never_reaches_the_sessions()
    {
        Ask(1, _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice));
        AssertAnswered(1);
        Ask(2, _sessions.Opening(_bench.Owner));    // an owner has no machines here
        AssertAnswered(2);
        byte[] opening = _sessions.Opening(_bench.Alice);
        Send(new DoorMessage(DoorVerb.Ask, 0, 3).With(opening));    // by POST /bus
        AssertAnswered(3);
        Ask(4, opening);                            // and again, which is a replay now
        AssertAnswered(4);
        Assert.Empty(_sessions.Asked);
    }

    [Fact]
    public void An_opening_whose_connection_does_not_come_is_undone_and_its_place_given_back()
    {
        for (uint i = 0; i < DoorLimits.Asked - DoorLimits.ReservedAsked; i++)
        {
            Ask(i, _sessions.Opening(_bench.Alice));
            Assert.True(Receive().Head.Has(DoorMessage.HandFlag));
        }
        Ask(100, _sessions.Opening(_bench.Alice));
        Assert.Equal([247, 1], NextOf(100));        // 503
        uint opened = DoorLimits.Asked - DoorLimits.ReservedAsked;
        Assert.True(SpinWait.SpinUntil(() => _sessions.Disposed == opened, s_soon));
        Ask(101, _sessions.Opening(_bench.Alice));
        Assert.Equal([101, 0], NextOf(101));
        Hand(101);
        Assert.True(SpinWait.SpinUntil(() => _sessions.Ran == 1, s_soon));
        Assert.False(_ended.Task.IsCompleted);

        byte[] NextOf(uint id)
        {
            while (true)
            {
                (DoorMessage head, byte[] body) = Receive();
                if (head.Id == id && head.Verb == DoorVerb.Begin)
                    return body;
                Assert.True(head.Verb == DoorVerb.End, $"{head}");
            }
        }
    }

    [Fact]
    public void Nobody_waits_for_the_connection_of_an_asker_who_has_gone()
    {
        Ask(1, _sessions.Opening(_bench.Alice));
        Assert.True(Receive().Head.Has(DoorMessage.HandFlag));
        Send(new DoorMessage(DoorVerb.Cancel, 0, 1).With([]));
        Assert.Equal(new DoorMessage(DoorVerb.End, DoorMessage.CutFlag, 1), Receive().Head);
        Assert.Equal((0, 1), (_sessions.Ran, _sessions.Disposed));
    }

    /// <summary>A tenant could otherwise have the door replaced as often as he likes.</summary>
    [Fact]
    public void A_client_that_resets_its_connection_on_the_way_is_not_the_doors_fault()
    {
        Ask(1, _sessions.Opening(_bench.Alice));
        Assert.True(Receive().Head.Has(DoorMessage.HandFlag));
        (TcpClient client, Socket theirs) = Connect();
        client.Client.Close(0);
        Assert.True(theirs.Poll(s_soon, SelectMode.SelectRead));
        Send(new DoorMessage(DoorVerb.Hand, 0, 1).With([]), (int)theirs.Handle);
        Assert.Equal(new DoorMessage(DoorVerb.End, 0, 1), Receive().Head);
        Assert.True(SpinWait.SpinUntil(() => _sessions is { Ran: 1, Open: 0 }, s_soon));
        Assert.False(_ended.Task.IsCompleted);
    }

    [Theory]
    [InlineData("no opening", "nobody waits")]
    [InlineData("another number", "nobody waits")]
    [InlineData("twice", "nobody waits")]
    [InlineData("after a refusal", "nobody waits")]
    [InlineData("too late", "nobody waits")]
    [InlineData("no descriptor", "no connection")]
    [InlineData("two", "no connection")]
    [InlineData("a pipe", "no connection")]
    [InlineData("a file", "no connection")]
    [InlineData("a unix socket", "no connection")]
    [InlineData("a datagram socket", "no connection")]
    [InlineData("a listening socket", "no connection")]
    public async Task A_door_that_hands_over_what_it_should_not_is_broken_and_all_of_it_is_closed(string attack, string why)
    {
        int mayRun = 0;
        if (attack is not "no opening" and not "after a refusal")
        {
            Ask(1, _sessions.Opening(_bench.Alice));
            Assert.True(Receive().Head.Has(DoorMessage.HandFlag));
        }
        (StreamSocket witness, StreamSocket given) = StreamSocket.Pair();
        using (witness)
        {
            switch (attack)
            {
                case "after a refusal":
                    _sessions.Refusal = new BusError { Code = ErrorCodes.NotFound, Message = "no" };
                    Ask(1, _sessions.Opening(_bench.Alice));
                    Assert.Equal(DoorVerb.Begin, Receive().Head.Verb);
                    Hand(1);
                    break;
                case "no opening":
                    Hand(1);
                    break;
                case "another number":
                    Hand(2);
                    break;
                case "twice":
                    Hand(1);
                    mayRun = 1;
                    Hand(1);
                    break;
                case "too late":
                    Assert.Equal(new DoorMessage(DoorVerb.End, DoorMessage.CutFlag, 1), Receive().Head);
                    Hand(1);
                    break;
                case "no descriptor":
                    HandOver();
                    break;
                case "two":
                    HandOver((int)Connect().Theirs.Handle, given.Descriptor.Number);
                    break;
                case "a pipe":
                    using (FileDescriptor pipe = Pipe.Ended())
                        HandOver(pipe.Number);
                    break;
                case "a file":
                    using (FileDescriptor file = SealedMemory.Create("connection", "x"u8))
                        HandOver(file.Number);
                    break;
                case "a unix socket":
                    HandOver(given.Descriptor.Number);
                    break;
                case "a datagram socket":
                    using (UdpClient datagrams = new(0))
                        HandOver((int)datagrams.Client.Handle);
                    break;
                default:
                    HandOver((int)_listener.Server.Handle);
                    break;
            }
            given.Dispose();
            Assert.Contains(why, await _ended.Task.WaitAsync(s_soon), StringComparison.Ordinal);
            Assert.True(Polling.IsReadable(witness.Descriptor, (int)s_soon.TotalMilliseconds), "the node kept it");
            _open.ForEach(o => o.Dispose());    // a session that runs outlives its door
            int asked = attack == "no opening" ? 0 : 1;
            Assert.True(SpinWait.SpinUntil(() => _sessions.Ran + _sessions.Disposed == asked, s_soon), $"{_sessions.Ran}, {_sessions.Disposed}");
            Assert.InRange(_sessions.Ran, 0, mayRun);
        }
    }

    private void AssertAnswered(uint id)
    {
        (DoorMessage head, byte[] body) = Receive();
        Assert.Equal((DoorVerb.Begin, false, id), (head.Verb, head.Has(DoorMessage.HandFlag), head.Id));
        Assert.Equal([200, 0], body);
        Assert.Equal(DoorVerb.Piece, Receive().Head.Verb);
        Assert.Equal(new DoorMessage(DoorVerb.End, 0, id), Receive().Head);
    }

    private TcpClient Hand(uint id)
    {
        (TcpClient client, Socket theirs) = Connect();
        Send(new DoorMessage(DoorVerb.Hand, 0, id).With([]), (int)theirs.Handle);
        theirs.Dispose();
        return client;
    }

    private (TcpClient Client, Socket Theirs) Connect()
    {
        TcpClient client = new();
        client.Connect((IPEndPoint)_listener.LocalEndpoint);
        _open.Add(client);
        Socket theirs = _listener.AcceptSocket();
        _open.Add(theirs);
        return (client, theirs);
    }

    private void HandOver(params int[] descriptors) => Send(new DoorMessage(DoorVerb.Hand, 0, 1).With([]), descriptors);

    private void Ask(uint id, byte[] envelope) => Send(new DoorMessage(DoorVerb.Ask, DoorMessage.SessionFlag, id).With(envelope));

    private void Send(byte[] message, params int[] beside) => Assert.Equal(Errno.None, _door.TrySend(message, beside));

    private (DoorMessage Head, byte[] Body) Receive()
    {
        Assert.True(Polling.IsReadable(_door.Descriptor, (int)s_soon.TotalMilliseconds), "nothing comes");
        Assert.Equal(Errno.None, _door.TryReceive(_buffer, out int length, out _));
        Assert.True(DoorMessage.TryRead(_buffer.AsSpan(0, length), out DoorMessage head, out ReadOnlySpan<byte> body), "the node hung up");
        return (head, body.ToArray());
    }
}
