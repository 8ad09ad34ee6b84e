using System.Text;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Doors;
using ZeroOS.Linux;
using ZeroOS.Node.Bus;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Bus;

/// <summary>The node's end of the link, before a door that was taken over: the test writes what it likes into the socket.</summary>
public sealed class DoorConnectionTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);

    private readonly GateBench _bench = new(TimeProvider.System);
    private readonly SeqPacketSocket _door;
    private readonly DoorConnection _connection;
    private readonly TaskCompletionSource<string?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _buffer = new byte[SeqPacketSocket.MaxMessage];

    public DoorConnectionTests()
    {
        (SeqPacketSocket ours, _door) = SeqPacketSocket.Pair();
        _connection = new DoorConnection(ours, new DoorServices(_bench.Gate, _bench.Dispatcher, _bench.Routes, _bench, LineLog.Quiet), _ended.SetResult);
        _connection.Start();
    }

    public void Dispose()
    {
        _connection.Dispose();
        _door.Dispose();
    }

    [Fact]
    public void The_table_of_keys_comes_first_and_has_every_key_and_its_role()
    {
        (DoorMessage head, byte[] body) = Receive();
        Assert.Equal((DoorVerb.Keys, DoorMessage.FirstFlag | DoorMessage.LastFlag), (head.Verb, head.Flags));
        Dictionary<string, byte> keys = [];
        Assert.True(DoorKeys.TryRead(body, keys));
        Assert.Equal((byte)Roles.Owner, keys[_bench.Owner.Id.Text]);
        Assert.Equal((byte)Roles.Tenant, keys[_bench.Alice.Id.Text]);
        Assert.DoesNotContain(_bench.Stranger.Id.Text, keys.Keys);
    }

    [Fact]
    public void Ten_thousand_keys_travel_in_several_messages()
    {
        Dictionary<string, byte> keys = Enumerable.Range(0, 10_000).ToDictionary(i => $"{i}{new string('k', 38)}", i => (byte)(i % 3));
        List<byte[]> messages = [.. DoorKeys.Write(keys)];
        Assert.InRange(messages.Count, 2, 100);
        Dictionary<string, byte> read = [];
        for (int i = 0; i < messages.Count; i++)
        {
            Assert.True(messages[i].Length <= SeqPacketSocket.MaxMessage);
            Assert.True(DoorMessage.TryRead(messages[i], out DoorMessage head, out ReadOnlySpan<byte> body));
            Assert.Equal((i == 0, i == messages.Count - 1), (head.Has(DoorMessage.FirstFlag), head.Has(DoorMessage.LastFlag)));
            Assert.True(DoorKeys.TryRead(body, read));
        }
        Assert.Equal(keys, read);
    }

    [Fact]
    public void An_envelope_is_answered_and_its_answer_ends()
    {
        SkipKeys();
        Ask(7, Good());
        (DoorMessage head, byte[] body) = Receive();
        Assert.Equal((DoorVerb.Begin, DoorMessage.ProvenFlag, 7u), (head.Verb, head.Flags, head.Id));
        Assert.Equal([200, 0], body);
        (head, body) = Receive();
        Assert.Equal(DoorVerb.Piece, head.Verb);
        Assert.Equal((byte)'\n', body[^1]);
        Assert.True(Envelope.TryRead(body.AsSpan(0, body.Length - 1), out Envelope? reply) && reply.EverySignatureVerifies()
            && reply.Sender.Equals(_bench.Node.Id));
        (head, _) = Receive();
        Assert.Equal(new DoorMessage(DoorVerb.End, 0, 7), head);
    }

    [Fact]
    public void A_large_envelope_travels_as_a_sealed_file_beside()
    {
        SkipKeys();
        byte[] large = _bench.Seal(_bench.Request(_bench.Alice, body: $$"""{"name":"{{new string('x', 200_000)}}"}"""), _bench.Alice);
        using FileDescriptor file = SealedMemory.Create("envelope", large);
        Send(new DoorMessage(DoorVerb.Ask, DoorMessage.BesideFlag, 8).With((uint)large.Length), file);
        Assert.Equal((DoorVerb.Begin, DoorMessage.ProvenFlag), (Receive().Head is var head ? head.Verb : default, head.Flags));
    }

    [Fact]
    public async Task A_false_signature_proves_the_door_broken()
    {
        Ask(1, FalseSignature.In(Good()));
        Assert.Contains("refuse", await BrokenAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_sender_does_wrong_under_a_good_signature_is_not_the_doors_fault()
    {
        SkipKeys();
        Ask(1, Envelope.Sign(Message.PayloadType, "{}"u8, _bench.Alice));
        Assert.Equal([144, 1], Receive().Body);      // 400
        Assert.Equal(DoorVerb.End, Receive().Head.Verb);
        byte[] replayed = Good();
        Ask(2, replayed);
        Ask(3, replayed);
        List<DoorMessage> begun = [.. Enumerable.Range(0, 6).Select(_ => Receive().Head).Where(h => h.Verb == DoorVerb.Begin)];
        Assert.Equal(1, begun.Count(b => b.Has(DoorMessage.ProvenFlag)));
        Assert.Equal(2, begun.Count);
        Assert.False(_ended.Task.IsCompleted);
    }

    [Theory]
    [InlineData("one more than a link carries", "more at once")]
    [InlineData("a number twice", "twice")]
    [InlineData("not sealed", "not sealed")]
    [InlineData("another length", "not sealed")]
    [InlineData("a pipe", "not sealed")]
    [InlineData("no file", "too large")]
    [InlineData("too large", "too large")]
    [InlineData("credit for nothing", "returns more")]
    [InlineData("a word of the node's", "protocol")]
    [InlineData("nonsense", "protocol")]
    public async Task A_door_that_goes_beyond_is_broken_and_the_node_goes_on(string attack, string why)
    {
        byte[] good = Good();
        DoorMessage beside = new(DoorVerb.Ask, DoorMessage.BesideFlag, 2);
        switch (attack)
        {
            case "one more than a link carries":
                _bench.Hold();
                for (uint i = 0; i <= DoorLimits.Asked; i++)
                    Ask(i, _bench.Seal(_bench.Request(_bench.Owner, Commands.GrantList.Name, "{}"), _bench.Owner));
                break;
            case "a number twice":
                _bench.Hold();
                Ask(1, _bench.Seal(_bench.Request(_bench.Alice, body: """{"name":"held"}"""), _bench.Alice));
                Ask(1, good);
                break;
            case "not sealed":
                using (FileDescriptor file = FileDescriptor.Memory("open", canSeal: true))
                {
                    file.Write(good);
                    Send(beside.With((uint)good.Length), file);
                }
                break;
            case "another length":
                using (FileDescriptor file = SealedMemory.Create("short", good))
                    Send(beside.With((uint)good.Length + 1), file);
                break;
            case "a pipe":
                (FileDescriptor read, FileDescriptor write) = Pipe.NonBlocking();
                Send(beside.With(100), read);
                read.Dispose();
                write.Dispose();
                break;
            case "no file":
                Send(beside.With(100));
                break;
            case "too large":
                using (FileDescriptor file = SealedMemory.Create("large", good))
                    Send(beside.With(Gate.MaxBytes + 1), file);
                break;
            case "credit for nothing":
                _bench.Hold();
                Ask(1, _bench.Seal(_bench.Request(_bench.Alice, body: """{"name":"held"}"""), _bench.Alice));
                Send(new DoorMessage(DoorVerb.Credit, 0, 1).With(1));
                break;
            case "a word of the node's":
                Send(new DoorMessage(DoorVerb.Begin, 0, 1).With(200));
                break;
            default:
                Send(Encoding.ASCII.GetBytes("POST /bus HTTP/1.1\r\n"));
                break;
        }
        Assert.Contains(why, await BrokenAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void Tenants_never_fill_the_part_of_the_link_that_is_the_owners()
    {
        SkipKeys();
        _bench.Hold();
        const uint Tenants = DoorLimits.Asked - DoorLimits.ReservedAsked;
        for (uint i = 0; i < Tenants; i++)
            Ask(i, _bench.Seal(_bench.Request(_bench.Alice, body: """{"name":"held"}"""), _bench.Alice));
        for (uint i = 0; i < Tenants; i++)
            Assert.Equal([200, 0], Receive().Body);
        Ask(100, Good());
        Assert.Equal([247, 1], Receive().Body);     // 503
        Assert.Equal(DoorVerb.End, Receive().Head.Verb);
        byte[] info = _bench.InfoRequest(_bench.Owner).Sign(_bench.Owner);
        Ask(101, info);
        Assert.Equal([200, 0], Receive().Body);
    }

    [Fact]
    public void A_reader_who_takes_nothing_is_sent_one_window_and_no_more()
    {
        SkipKeys();
        Ask(1, _bench.Seal(_bench.Request(_bench.Alice, Commands.EventsWatch.Name, """{"after":-100000}"""), _bench.Alice));
        Assert.True(Receive().Head.Has(DoorMessage.StreamFlag));
        int bytes = 0;
        // The stream has no end; another answer behind it shows that the link waits for nobody.
        while (bytes < DoorLimits.WindowBytes - DoorLimits.PieceBytes)
            bytes += Receive().Body.Length;
        Ask(2, Good());
        while (Receive() is var (head, body) && head != new DoorMessage(DoorVerb.End, 0, 2))
            bytes += head.Id == 1 ? body.Length : 0;
        Assert.InRange(bytes, 1, DoorLimits.WindowBytes);
        Send(new DoorMessage(DoorVerb.Cancel, 0, 1).With([]));
        while (Receive().Head != new DoorMessage(DoorVerb.End, DoorMessage.CutFlag, 1))
        {
            // what was on its way
        }
    }

    [Fact]
    public async Task A_door_that_does_not_read_its_answers_is_broken_at_eight_mebibytes()
    {
        byte[] answer = new byte[DoorLimits.PieceBytes];
        int sent = 0;
        for (; sent <= DoorLimits.QueueBytes + (4 << 20) && !_ended.Task.IsCompleted; sent += answer.Length)
            _connection.Send(answer);
        Assert.Contains("does not read", await BrokenAsync(), StringComparison.Ordinal);
        Assert.True(sent > DoorLimits.QueueBytes, $"broken after {sent} bytes");
    }

    [Fact]
    public void Envelopes_that_node_looks_at_have_a_rate_a_tenant_an_eighth_of_it_and_owners_their_own()
    {
        EnvelopeRates rates = new(_bench, new ManualClock());
        (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        using DoorConnection connection = new(ours,
            new DoorServices(_bench.Gate, _bench.Dispatcher, _bench.Routes, _bench, LineLog.Quiet) { Rates = rates }, _ => { });
        connection.Start();
        using (theirs)
        {
            byte[] tenants = Good(), strangers = _bench.InfoRequest(_bench.Stranger).Sign(_bench.Stranger),
                owners = _bench.Seal(_bench.Request(_bench.Owner), _bench.Owner);
            Assert.Equal(2 * EnvelopeRates.PerSecondOfTenant, Allowed(tenants));
            Assert.Equal(EnvelopeRates.PerSecond - (2 * EnvelopeRates.PerSecondOfTenant), Allowed(strangers));
            Assert.Equal(DoorVerb.Keys, Receive(theirs).Head.Verb);
            Assert.Equal(Errno.None, theirs.TrySend(new DoorMessage(DoorVerb.Ask, 0, 1).With(tenants)));
            Assert.Equal([429 & 255, 429 >> 8], Receive(theirs).Body);
            Assert.Equal(DoorVerb.End, Receive(theirs).Head.Verb);
            Assert.Equal(Errno.None, theirs.TrySend(new DoorMessage(DoorVerb.Ask, 0, 2).With(owners)));
            Assert.Equal([200, 0], Receive(theirs).Body);
            Assert.Equal((2 * EnvelopeRates.ReservedPerSecond) - 1, Allowed(owners));
        }

        int Allowed(byte[] envelope) => Enumerable.Range(0, 1000).Count(_ => rates.Allow(envelope));
    }

    [Fact]
    public async Task A_door_that_hangs_up_ends_the_connection_and_everything_it_asked()
    {
        _bench.Hold();
        Ask(1, _bench.Seal(_bench.Request(_bench.Alice, body: """{"name":"held"}"""), _bench.Alice));
        await _bench.Held.WaitAsync(s_soon);
        _door.Shutdown();
        Assert.Null(await _ended.Task.WaitAsync(s_soon));
        await _bench.Released.WaitAsync(s_soon);
    }

    /// <summary>zos node recover and every order that starts the role anew: whoever gave it hears that it was taken.</summary>
    [Fact]
    public void The_answer_that_the_node_hangs_up_for_leaves_whole()
    {
        _bench.Routes.Add(Commands.NodeReboot, Roles.Owner, context =>
        {
            context.AfterSent(() =>
            {
                new Thread(_connection.Dispose).Start();
                _ = _ended.Task.Wait(TimeSpan.FromMilliseconds(300));   // the node is faster than the end of its answer
            });
            return new Nothing();
        });
        SkipKeys();
        Ask(1, _bench.Seal(_bench.Request(_bench.Owner, Commands.NodeReboot.Name, "{}"), _bench.Owner));
        Assert.Equal(DoorVerb.Begin, Receive().Head.Verb);
        Assert.Equal(DoorVerb.Piece, Receive().Head.Verb);
        (DoorMessage end, _) = Receive();
        Assert.Equal((DoorVerb.End, false), (end.Verb, end.Has(DoorMessage.CutFlag)));
    }

    [Fact]
    public async Task Mutated_messages_break_the_link_at_most()
    {
        int seed = Seeds.Of(nameof(DoorConnectionTests));
        Random random = new(seed);
        byte[] good = new DoorMessage(DoorVerb.Ask, 0, 1).With(Good());
        for (int round = 0; round < 300; round++)
        {
            (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
            TaskCompletionSource<string?> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
            using DoorConnection connection = new(ours, new DoorServices(_bench.Gate, _bench.Dispatcher, _bench.Routes, _bench,
                LineLog.Quiet), ended.SetResult);
            connection.Start();
            for (int i = 0; i < 8; i++)
            {
                byte[] mutated = good[..random.Next(good.Length)];
                for (int n = 0; n < 3 && mutated.Length > 0; n++)
                    mutated[random.Next(Math.Min(mutated.Length, 12))] = (byte)random.Next(256);
                _ = theirs.TrySend(mutated, wait: false);
            }
            theirs.Shutdown();
            string? why = await ended.Task.WaitAsync(s_soon);
            Assert.False(why?.Contains("Exception", StringComparison.Ordinal) ?? false, $"seed {seed}: {why}");
            theirs.Dispose();
        }
    }

    private byte[] Good() => _bench.Seal(_bench.Request(_bench.Alice), _bench.Alice);

    private void Ask(uint id, byte[] envelope) => Send(new DoorMessage(DoorVerb.Ask, 0, id).With(envelope));

    private void Send(byte[] message, params FileDescriptor[] beside) => Assert.Equal(Errno.None, _door.TrySend(message, [.. beside.Select(d => d.Number)]));

    private void SkipKeys() => Assert.Equal(DoorVerb.Keys, Receive().Head.Verb);

    private (DoorMessage Head, byte[] Body) Receive() => Receive(_door);

    private (DoorMessage Head, byte[] Body) Receive(SeqPacketSocket door)
    {
        Assert.True(Polling.IsReadable(door.Descriptor, (int)s_soon.TotalMilliseconds), "nothing comes");
        Assert.Equal(Errno.None, door.TryReceive(_buffer, out int length, out _));
        Assert.True(DoorMessage.TryRead(_buffer.AsSpan(0, length), out DoorMessage head, out ReadOnlySpan<byte> body), "the node hung up");
        return (head, body.ToArray());
    }

    private async Task<string> BrokenAsync() =>
        await _ended.Task.WaitAsync(s_soon) ?? throw new InvalidOperationException("the link ended, but the door was not found broken");
}
