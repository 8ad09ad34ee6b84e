using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Release;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Client;

/// <summary>The wait for an update over the real bus, against a node that tells events, counts how often it is asked, and goes away in between.</summary>
public sealed class UpdateWaitTests
{
    private readonly List<string> _heard = [];
    private readonly Queue<UpdateStatus?> _states = new();
    private readonly Queue<NodeEvent[]> _streams = new();
    private int _asked;

    [Fact]
    public async Task It_asks_once_and_again_after_each_event_and_shows_progress()
    {
        _states.Enqueue(Status(UpdateState.Fetching));
        _states.Enqueue(Status(UpdateState.Writing));
        _states.Enqueue(Status(UpdateState.Kept));
        _streams.Enqueue([Event(EventKinds.Watching), Event(EventKinds.UpdateProgress) with { DoneBytes = 5, TotalBytes = 9 }, Event("grant-changed"),
            Event(EventKinds.NodeUpdate),
            Event(EventKinds.NodeUpdate)]);
        Assert.Equal(UpdateState.Kept, (await Wait()).State);
        Assert.Equal(["Fetching 0", "Fetching 5", "Writing 0"], _heard);
        Assert.Equal(3, _asked);
    }

    [Fact]
    public async Task It_goes_on_when_the_node_is_back()
    {
        _states.Enqueue(Status(UpdateState.Restarting));
        _states.Enqueue(Status(UpdateState.Trial));
        _states.Enqueue(Status(UpdateState.Failed));
        _streams.Enqueue([Event(EventKinds.Watching)]);
        _streams.Enqueue([Event(EventKinds.Watching), Event(EventKinds.NodeReady)]);
        Assert.Equal(UpdateState.Failed, (await Wait()).State);
        Assert.Equal(["Restarting 0", "away", "Trial 0"], _heard);
    }

    [Fact]
    public async Task A_node_that_forgot_everything_and_runs_the_version_from_before_has_failed()
    {
        _states.Enqueue(Status(UpdateState.Restarting));
        _states.Enqueue(null);
        _streams.Enqueue([Event(EventKinds.Watching)]);
        _streams.Enqueue([Event(EventKinds.Watching)]);
        UpdateStatus ended = await Wait();
        Assert.Equal((UpdateState.Failed, "forgotten"), (ended.State, ended.Reason));
    }

    private static NodeEvent Event(string kind) => new() { Kind = kind, Number = 1, Time = DateTimeOffset.UnixEpoch };

    private static UpdateStatus Status(UpdateState state) => new() { State = state, Version = "2.0.0", From = "1.0.0" };

    private Task<UpdateStatus> Wait()
    {
        GateBench bench = new(withCommands: false);
        bench.Routes
            .Add(Commands.NodeInfo, Roles.Anyone, _ => bench.Info())
            .Add(Commands.NodeStatus, Roles.OwnerOrTenant, _ => Answer())
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, body, _) => Watch(body));
        NodeClient node = new(new BusClient(bench.Owner, bench.Node.Id, new CuttingTransport(new GateTransport(bench), away: 1), bench.Clock));
        return UpdateWait.UntilEndedAsync(node, "2.0.0", u => _heard.Add(u is null ? "away" : $"{u.State} {u.DoneBytes}"), TimeProvider.System, default);
    }

    private NodeStatus Answer()
    {
        _asked++;
        Resources none = new() { Machines = 0, Cpu = 0, Memory = new ByteSize(0), Storage = new ByteSize(0) };
        return new NodeStatus { Stage = "ready", Conditions = [], Capacity = none, Used = none, Update = _states.Dequeue() };
    }

    private async IAsyncEnumerable<NodeEvent> Watch(EventsWatch watch)
    {
        Assert.True(watch is { New: true, Follow: true, Progress: true });
        foreach (NodeEvent one in _streams.Dequeue())
        {
            await Task.Yield();
            yield return one;
        }
    }
}
