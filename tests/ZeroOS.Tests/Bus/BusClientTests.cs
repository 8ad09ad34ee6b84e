using System.Runtime.CompilerServices;
using System.Text.Json;

using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Tests.Bus;

/// <summary>The client against a real gate and dispatcher over a wire that a test can put a hand on.</summary>
public sealed class BusClientTests
{
    private readonly GateBench _bench = new();

    [Fact]
    public async Task A_call_is_answered_under_the_seal()
    {
        Wire wire = new(_bench);
        DeploymentName reply = await Get(Client(_bench.Alice, wire), "shop");
        Assert.Equal("shop", reply.Name);
        Assert.Equal([(_bench.Alice.Id.Text, "shop")], _bench.Ran);
        Assert.DoesNotContain("shop", wire.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_door_that_resets_is_dialled_again_for_node_info_and_for_nothing_else()
    {
        ResettingTransport flooded = new(new Wire(_bench));
        BusClient client = new(_bench.Alice, _bench.Node.Id, flooded, TimeProvider.System);
        flooded.Resets = 2;
        Assert.Equal("shop", (await Get(client, "shop")).Name);
        flooded.Resets = 1;
        Assert.True((await Assert.ThrowsAsync<BusTransportException>(() => Get(client, "shop"))).WasReset);
        flooded.Resets = 1000;
        await Assert.ThrowsAsync<BusTransportException>(() => client.InfoAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_stream_comes_in_order_and_ends()
    {
        List<long> numbers = [];
        await foreach (NodeEvent e in Events(Client(_bench.Owner, new Wire(_bench))))
            numbers.Add(e.Number);
        Assert.Equal([1, 2, 3], numbers);
    }

    [Fact]
    public async Task What_a_handler_refuses_arrives_with_code_path_and_sentence_under_the_seal()
    {
        Wire wire = new(_bench);
        BusErrorException e = await Assert.ThrowsAsync<BusErrorException>(() => Get(Client(_bench.Alice, wire), "gone"));
        Assert.Equal((ErrorCodes.NotFound, "name"), (e.Error.Code, e.Error.Path));
        Assert.DoesNotContain(ErrorCodes.NotFound, wire.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_of_a_handler_is_internal_logged_and_tells_nothing()
    {
        BusErrorException e = await Assert.ThrowsAsync<BusErrorException>(() => Get(Client(_bench.Alice, new Wire(_bench)), "broken"));
        Assert.Equal(ErrorCodes.Internal, e.Error.Code);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
        Assert.Contains("secret", Assert.Single(_bench.Log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_new_epoch_the_client_learns_it_and_sends_again_once()
    {
        BusClient client = Client(_bench.Alice, new Wire(_bench));
        await Get(client, "one");
        _bench.Clock.Step(TimeSpan.FromDays(-3));
        _bench.Epoch.ClockStepped();
        await Get(client, "two");
        Assert.Equal(["one", "two"], _bench.Ran.Select(r => r.Name));
    }

    [Fact]
    public async Task A_node_whose_epoch_changes_all_the_time_is_given_up_after_one_more_try()
    {
        Wire wire = new(_bench) { BeforeSealed = _bench.Epoch.ClockStepped };
        BusErrorException e = await Assert.ThrowsAsync<BusErrorException>(() => Get(Client(_bench.Alice, wire), "shop"));
        Assert.Equal(ErrorCodes.Stale, e.Error.Code);
        Assert.Equal(4, wire.Sent);
        Assert.Empty(_bench.Ran);
    }

    [Fact]
    public async Task A_client_whose_clock_is_years_off_is_served_by_the_nodes_time()
    {
        ManualClock theirs = new();
        theirs.Step(TimeSpan.FromDays(-4000));
        BusClient client = new(_bench.Alice, _bench.Node.Id, new Wire(_bench), theirs);
        Assert.Equal("shop", (await Get(client, "shop")).Name);
    }

    [Fact]
    public async Task Another_node_that_answers_in_the_pinned_ones_place_is_not_believed()
    {
        GateBench spoof = new();
        BusClient client = new(_bench.Alice, _bench.Node.Id, new Wire(spoof), _bench.Clock);
        // It refuses as it must (the request names another node), and would be caught by its signature if it did not.
        SpoofedReplyException e = await Assert.ThrowsAsync<SpoofedReplyException>(() => client.InfoAsync(CancellationToken.None));
        Assert.Contains(spoof.Node.Id.Text, e.Message, StringComparison.Ordinal);
        Assert.Contains(_bench.Node.Id.Text, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task At_first_contact_the_id_that_answers_is_the_one_it_can_sign_for()
    {
        NodeInfo info = await BusClient.WhoIsThereAsync(_bench.Stranger, new Wire(_bench), _bench.Clock, CancellationToken.None);
        Assert.Equal(_bench.Node.Id.Text, info.Id);
        GateBench liar = new();
        Wire wire = new(_bench) { Change = (lines, request) => [Resign(request, _bench.Node, liar.Node, info)] };
        await Assert.ThrowsAsync<SpoofedReplyException>(() => BusClient.WhoIsThereAsync(_bench.Stranger, wire, _bench.Clock, CancellationToken.None));
    }

    [Fact]
    public async Task A_recorded_answer_to_an_earlier_question_is_not_believed()
    {
        Wire wire = new(_bench);
        BusClient client = Client(_bench.Alice, wire);
        await Get(client, "one");
        List<byte[]> recorded = wire.LastAnswer;
        wire.Change = (_, _) => recorded;
        await Assert.ThrowsAsync<SpoofedReplyException>(() => Get(client, "one"));
    }

    [Fact]
    public async Task A_stream_with_a_gap_a_swap_or_no_end_is_an_error()
    {
        await Broken(lines => [lines[0], .. lines[2..]]);
        await Broken(lines => [lines[1], lines[0], .. lines[2..]]);
        await Broken(lines => [lines[0], lines[0], .. lines[1..]]);
        await Broken(lines => lines[..^1]);
        await Broken(_ => []);
        await Broken(lines => [lines[0][..^1]]);

        async Task Broken(Func<List<byte[]>, List<byte[]>> change)
        {
            Wire wire = new(_bench);
            BusClient client = Client(_bench.Alice, wire);
            await client.InfoAsync(CancellationToken.None);
            wire.Change = (lines, _) => change(lines);
            await Assert.ThrowsAnyAsync<SpoofedReplyException>(async () =>
            {
                await foreach (NodeEvent e in Events(client))
                    Assert.InRange(e.Number, 1, 3);
            });
        }
    }

    [Fact]
    public async Task An_answer_in_clear_to_a_sealed_question_is_not_believed()
    {
        Wire wire = new(_bench);
        BusClient client = Client(_bench.Alice, wire);
        await client.InfoAsync(CancellationToken.None);
        wire.Change = (_, request) => [Reply(request).Sign(_bench.Node)];
        await Assert.ThrowsAsync<SpoofedReplyException>(() => Get(client, "shop"));
    }

    [Fact]
    public async Task Streams_of_one_key_are_bounded_and_free_again_after_their_end()
    {
        Decision[] open = [.. Enumerable.Range(0, Dispatchers.Max + 1)
            .Select(_ => _bench.Admit(_bench.Request(_bench.Alice, Commands.EventsWatch.Name, "{}"), _bench.Alice))];
        TaskCompletionSource hold = new();
        List<Task> running = [];
        foreach (Decision decision in open[..^1])
            running.Add(_bench.Dispatcher.AnswerAsync(decision, _bench.Routes, async (_, _) => await hold.Task, CancellationToken.None));
        Assert.Single(await _bench.AnswerAsync(open[^1]));
        hold.SetResult();
        await Task.WhenAll(running);
        Decision again = _bench.Admit(_bench.Request(_bench.Alice, Commands.EventsWatch.Name, "{}"), _bench.Alice);
        Assert.Equal(4, (await _bench.AnswerAsync(again)).Count);
    }

    [Fact]
    public async Task Streams_of_all_keys_are_bounded_and_some_are_left_for_owners()
    {
        TaskCompletionSource hold = new();
        List<Task> running = [];
        GateBench bench = new() { Everybody = Roles.Tenant };
        for (int i = 0; i < Dispatcher.MaxStreams - Dispatcher.OwnerStreams; i++)
        {
            IdentityKey tenant = IdentityKey.Generate();
            running.Add(Open(bench, tenant, hold.Task));
        }
        Assert.Contains("busy", await Refusal(bench, bench.Alice), StringComparison.Ordinal);
        running.Add(Open(bench, bench.Owner, hold.Task));
        Assert.False(running[^1].IsCompleted);
        hold.SetResult();
        await Task.WhenAll(running);
    }

    [Fact]
    public async Task What_follows_an_answer_runs_after_it_was_sent_even_to_nobody_and_never_after_a_refusal()
    {
        List<string> order = [];
        bool broken = false;
        _bench.Routes.Add(Commands.NodeReboot, Roles.Owner, context =>
        {
            context.AfterSent(() => order.Add("restart"));
            return broken ? throw new BusErrorException(ErrorCodes.Conflict, "no") : new Nothing();
        });
        Task Ask(Action onSend) => _bench.Dispatcher.AnswerAsync(_bench.Admit(_bench.Request(_bench.Owner, Commands.NodeReboot.Name, "{}"), _bench.Owner),
            _bench.Routes, async (_, _) =>
        {
            await Task.Yield();
            order.Add("sent");
            onSend();
        }, CancellationToken.None);

        await Ask(() => { });
        Assert.Equal(["sent", "restart"], order);
        order.Clear();
        await Assert.ThrowsAsync<IOException>(() => Ask(() => throw new IOException("gone")));
        Assert.Equal(["sent", "restart"], order);
        order.Clear();
        broken = true;
        await Ask(() => { });
        Assert.Equal(["sent"], order);
    }

    private static Task Open(GateBench bench, IdentityKey who, Task hold) =>
        bench.Dispatcher.AnswerAsync(bench.Admit(bench.Request(who, Commands.EventsWatch.Name, "{}"), who), bench.Routes,
            async (_, _) => await hold, CancellationToken.None);

    private static async Task<string> Refusal(GateBench bench, IdentityKey who)
    {
        BusClient client = new(who, bench.Node.Id, new Wire(bench), bench.Clock);
        BusErrorException e = await Assert.ThrowsAsync<BusErrorException>(async () =>
        {
            await foreach (NodeEvent _ in client.StreamAsync(Commands.EventsWatch, new EventsWatch(), CancellationToken.None))
            {
            }
        });
        return e.Error.Code;
    }

    private BusClient Client(IdentityKey who, Wire wire) => new(who, _bench.Node.Id, wire, _bench.Clock);

    private static Task<DeploymentName> Get(BusClient client, string name) =>
        client.CallAsync(GateBench.Echo, new DeploymentName { Name = name }, CancellationToken.None);

    private static IAsyncEnumerable<NodeEvent> Events(BusClient client) =>
        client.StreamAsync(Commands.EventsWatch, new EventsWatch(), CancellationToken.None);

    private Message Reply(Message request) => new()
    {
        Id = Guid.CreateVersion7(),
        Kind = MessageKind.Reply,
        From = _bench.Node.Id,
        To = request.From.Text,
        Command = request.Command,
        Issued = request.Issued,
        Expires = request.Expires,
        InReplyTo = request.Id,
        Seq = 0,
        End = true,
        Body = JsonDocument.Parse("""{"name":"shop"}""").RootElement,
    };

    private byte[] Resign(Message request, IdentityKey claimed, IdentityKey signer, NodeInfo info) => (Reply(request) with
    {
        From = signer.Id,
        Body = JsonSerializer.SerializeToElement(info with { Id = claimed.Id.Text }, BusJson.Default.NodeInfo),
    }).Sign(signer);

    private static class Dispatchers
    {
        public const int Max = Dispatcher.MaxStreamsPerKey;
    }

    /// <summary>Carries envelopes to the bench's gate and back; <see cref="Change"/> is the man in the middle.</summary>
    private sealed class Wire(GateBench bench) : IBusTransport
    {
        public Func<List<byte[]>, Message, List<byte[]>>? Change { get; set; }

        public Action? BeforeSealed { get; init; }

        public List<byte[]> LastAnswer { get; private set; } = [];

        public int Sent { get; private set; }

        public string Transcript { get; private set; } = "";

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, [EnumeratorCancellation] CancellationToken cancellation)
        {
            Sent++;
            Assert.True(ZeroOS.Bus.Envelopes.Envelope.TryRead(envelope.Span, out ZeroOS.Bus.Envelopes.Envelope? read));
            Transcript += System.Text.Encoding.UTF8.GetString(read.Payload);
            Assert.True(Message.TryRead(read, out Message? request));
            if (request.Command != Commands.NodeInfo.Name)
                BeforeSealed?.Invoke();
            List<byte[]> lines = await bench.AnswerAsync(bench.Gate.Admit(envelope.Span));
            foreach (byte[] line in lines)
            {
                Assert.True(ZeroOS.Bus.Envelopes.Envelope.TryRead(line, out ZeroOS.Bus.Envelopes.Envelope? reply));
                Transcript += System.Text.Encoding.UTF8.GetString(reply.Payload);
            }
            LastAnswer = lines;
            foreach (byte[] line in Change?.Invoke(lines, request) ?? lines)
                yield return line;
        }
    }
}
