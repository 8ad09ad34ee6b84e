using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Client.Deploying;

/// <summary>A wait over the real bus, against a node that tells events and counts how often it is asked.</summary>
public sealed class DeploymentWaitTests : IWaitObserver
{
    private static readonly DeploymentStatus s_stored =
        new() { Deployment = new Deployment { Name = "shop", Version = 1, Workloads = [] }, Workloads = [] };

    private readonly List<string> _heard = [];
    private readonly Queue<WorkloadState> _states = new();
    private readonly Queue<HealthState> _healths = new();
    private readonly List<NodeEvent> _events = [];
    private int _asked;

    [Fact]
    public async Task A_wait_asks_once_and_again_after_each_event_of_its_deployment_and_shows_progress()
    {
        _states.Enqueue(WorkloadState.Pending);
        _states.Enqueue(WorkloadState.Preparing);
        _states.Enqueue(WorkloadState.Running);
        _events.AddRange([Event("watching", 3), Event("workload-state", 4, "shop"), Event("workload-state", 5, "other"),
            Event("image-progress", 5, "shop") with { Workload = "web", DoneBytes = 7, TotalBytes = 9 }, Event("workload-state", 6, "shop"),
            Event("workload-state", 7, "shop")]);
        DeploymentStatus status = await DeploymentWait.UntilRunningAsync(Node(), s_stored, this, default);
        Assert.Equal(WorkloadState.Running, Assert.Single(status.Workloads).State);
        Assert.Equal(["web Pending", "web Preparing", "web 7 of 9", "web Running"], _heard);
        Assert.Equal(3, _asked);
    }

    [Fact]
    public async Task A_wait_goes_on_when_the_node_is_back_and_asks_what_happened_meanwhile()
    {
        _states.Enqueue(WorkloadState.Preparing);
        _states.Enqueue(WorkloadState.Running);
        _events.Add(Event("watching", 3));
        await DeploymentWait.UntilRunningAsync(Node(), s_stored, this, default);
        Assert.Equal(["web Preparing", "lost", "web Running"], _heard);
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task A_workload_that_failed_for_good_ends_the_wait()
    {
        _states.Enqueue(WorkloadState.Failed);
        _events.Add(Event("watching", 0));
        ClientException e = await Assert.ThrowsAsync<ClientException>(() => DeploymentWait.UntilRunningAsync(Node(), s_stored, this, default));
        Assert.Contains("shop/web failed: it says why", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_for_health_goes_on_until_the_check_says_healthy_and_ends_when_it_says_unhealthy()
    {
        foreach (HealthState state in (HealthState[])[HealthState.Starting, HealthState.Healthy, HealthState.Unhealthy])
        {
            _states.Enqueue(WorkloadState.Running);
            _healths.Enqueue(state);
        }
        _events.AddRange([Event("watching", 3), Event("health", 4, "shop")]);
        DeploymentStatus status = await DeploymentWait.UntilHealthyAsync(Node(), s_stored, this, default);
        Assert.Equal((HealthState.Healthy, 2), (status.Workloads[0].Health!.State, _asked));
        ClientException e = await Assert.ThrowsAsync<ClientException>(() => DeploymentWait.UntilHealthyAsync(Node(), s_stored, this, default));
        Assert.Contains("shop/web is unhealthy: it does not answer", e.Message, StringComparison.Ordinal);
    }

    void IWaitObserver.Changed(WorkloadStatus workload) => _heard.Add($"{workload.Name} {workload.State}");

    void IWaitObserver.Fetching(string machine, long doneBytes, long totalBytes) => _heard.Add($"{machine} {doneBytes} of {totalBytes}");

    private static NodeEvent Event(string kind, long number, string? deployment = null) =>
        new() { Kind = kind, Number = number, Time = DateTimeOffset.UnixEpoch, Deployment = deployment };

    private NodeClient Node()
    {
        GateBench bench = new(withCommands: false);
        bench.Routes
            .Add(Commands.NodeInfo, Roles.Anyone, _ => bench.Info())
            .Add(Commands.DeploymentGet, Roles.Tenant, (_, body) => Status(body.Name))
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, body, _) => Watch(body));
        CuttingTransport wire = new(new GateTransport(bench), away: 1);
        return new NodeClient(new BusClient(bench.Alice, bench.Node.Id, wire, bench.Clock), () => _heard.Add("lost"));
    }

    private DeploymentStatus Status(string name)
    {
        _asked++;
        return new DeploymentStatus
        {
            Deployment = new Deployment { Name = name, Version = 1, Workloads = [] },
            Workloads = [new WorkloadStatus { Name = "web", Type = "zmachine", State = _states.Dequeue(), Message = "it says why", Health = Health() }],
        };
    }

    private HealthStatus? Health() => _healths.TryDequeue(out HealthState state) ? new HealthStatus
    {
        State = state,
        Results =
        [
            new HealthResult { Number = 1, Start = DateTimeOffset.UnixEpoch, End = DateTimeOffset.UnixEpoch, ExitCode = 1, Output = "it does not answer\n" },
        ],
    } : null;

    private async IAsyncEnumerable<NodeEvent> Watch(EventsWatch watch)
    {
        Assert.True(watch is { New: true, Follow: true, Progress: true });
        foreach (NodeEvent one in _events)
        {
            await Task.Yield();
            yield return one;
        }
    }
}
