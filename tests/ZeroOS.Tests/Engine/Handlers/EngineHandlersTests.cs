using System.Text;

using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Release;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Engine.Handlers;

public sealed class EngineHandlersTests
{
    [Fact]
    public void A_tenant_sees_and_touches_nothing_of_another()
    {
        using EngineBench bench = Deployed();
        bench.Grant(EngineBench.Bob);
        Assert.Empty(bench.Handlers.Deployments.List(Asked.By(EngineBench.Bob)).Deployments);
        Assert.Empty(bench.Handlers.Volumes.List(Asked.By(EngineBench.Bob)).Volumes);
        Assert.Equal(ErrorCodes.NotFound, Refused(() => bench.Handlers.Deployments.Get(Asked.By(EngineBench.Bob), new DeploymentName { Name = "shop" })));
        Assert.Equal(ErrorCodes.NotFound, Refused(() => bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Bob), new DeploymentDelete { Name = "shop" })));
        Assert.Equal(ErrorCodes.NotFound,
            Refused(() => bench.Handlers.Machines.Stop(Asked.By(EngineBench.Bob), new MachineStop { Deployment = "shop", Machine = "web" })));
        Assert.Equal(ErrorCodes.NotFound,
            Refused(() => bench.Handlers.Volumes.Delete(Asked.By(EngineBench.Bob), new VolumeName { Deployment = "shop", Name = "data" })));
        Assert.DoesNotContain(bench.Store.Events(EngineBench.Bob, 0), e => e.Deployment == "shop");
        Assert.Equal(0, bench.Handlers.Status.Get(Asked.By(EngineBench.Bob)).Used.Machines);
        Assert.Null(bench.Handlers.Status.Get(Asked.By(EngineBench.Bob)).Disks);
        Assert.Equal(1, bench.Handlers.Status.Get(Asked.By(EngineBench.Owner, Roles.Owner)).Used.Machines);
    }

    [Fact]
    public void Owners_and_grantees_have_their_roles()
    {
        using EngineBench bench = new();
        Assert.Equal(Roles.Owner, bench.Engine.RolesOf(EngineBench.Owner));
        Assert.Equal(Roles.None, bench.Engine.RolesOf(EngineBench.Bob));
        bench.Grant(EngineBench.Bob);
        Assert.Equal(Roles.Tenant, bench.Engine.RolesOf(EngineBench.Bob));
    }

    [Fact]
    public async Task Logs_are_followed_over_a_restart_of_the_machine_until_it_is_removed()
    {
        using EngineBench bench = Deployed();
        bench.Engine.Output(bench.Id("web"), 0, OutputStream.StandardOutput, "first\n"u8);
        await using IAsyncEnumerator<LogPiece> stream = bench.Handlers.Logs.Read(Asked.By(EngineBench.Alice),
            new MachineLogs { Deployment = "shop", Machine = "web", Follow = true }, default).GetAsyncEnumerator();
        Assert.True(await stream.MoveNextAsync());
        Assert.Equal((OutputStream.StandardOutput, "first\n"),
            (stream.Current.Runs.Single().Stream, Encoding.ASCII.GetString(Convert.FromBase64String(stream.Current.Data))));
        Task<bool> next = stream.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        bench.World.End(bench.Id("web"), 1);
        bench.Settle();
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        bench.Settle();
        Assert.Equal(0, bench.Engine.OutputWantedFrom(bench.Id("web")));
        bench.Engine.Output(bench.Id("web"), 0, OutputStream.StandardError, "second\n"u8);
        Assert.True(await next);
        Assert.Equal(OutputStream.StandardError, stream.Current.Runs.Single().Stream);
        next = stream.MoveNextAsync().AsTask();
        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" });
        bench.Settle();
        Assert.False(await next);
    }

    [Fact]
    public async Task Followed_output_ends_when_the_machine_is_at_rest()
    {
        using EngineBench bench = Deployed(RestartPolicy.Never);
        await using IAsyncEnumerator<LogPiece> stream = bench.Handlers.Logs.Read(Asked.By(EngineBench.Alice),
            new MachineLogs { Deployment = "shop", Machine = "web", Follow = true }, default).GetAsyncEnumerator();
        Task<bool> next = stream.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        bench.Engine.Output(bench.Id("web"), 0, OutputStream.StandardOutput, "last\n"u8);
        bench.World.End(bench.Id("web"), 0);
        bench.Settle();
        Assert.True(await next);
        Assert.False(await stream.MoveNextAsync());
    }

    [Fact]
    public async Task Started_workers_bring_a_deployment_up_and_a_watcher_hears_every_step()
    {
        using EngineBench bench = new();
        bench.Engine.Start();
        bench.Grant(EngineBench.Alice);
        bench.Apply(EngineBench.Shop());
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(60));
        List<NodeEvent> heard = [];
        await foreach (NodeEvent one in bench.Handlers.Events.Watch(Asked.By(EngineBench.Alice), new EventsWatch { Follow = true }, deadline.Token))
        {
            heard.Add(one);
            if (one is { Workload: "web", State: WorkloadState.Running })
                break;
        }
        await bench.Engine.StopAsync();
        Assert.Equal(Enumerable.Range(1, heard.Count), heard.Select(e => (int)e.Number));
        Assert.Equal([WorkloadState.Pending, WorkloadState.Preparing, WorkloadState.Running],
            heard.Where(e => e.Workload == "web").Select(e => e.State!.Value));
        Assert.Contains(heard, e => e.Kind == "grant-changed");
    }

    [Fact]
    public async Task A_watcher_of_what_is_new_hears_at_once_where_it_stands_and_nothing_older()
    {
        using EngineBench bench = Deployed();
        long last = bench.Store.LastEvent(EngineBench.Alice);
        await using IAsyncEnumerator<NodeEvent> stream = bench.Handlers.Events.Watch(Asked.By(EngineBench.Alice), new EventsWatch { New = true, Follow = true },
            default).GetAsyncEnumerator();
        Assert.True(await stream.MoveNextAsync());
        Assert.Equal((EventKinds.Watching, last), (stream.Current.Kind, stream.Current.Number));
        Task<bool> next = stream.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        bench.World.End(bench.Id("web"), 1);
        bench.Settle();
        Assert.True(await next);
        Assert.Equal(("workload-state", last + 1), (stream.Current.Kind, stream.Current.Number));
    }

    [Fact]
    public async Task Progress_of_images_is_told_between_events_to_their_tenant_only()
    {
        using EngineBench bench = Deployed();
        bench.Grant(EngineBench.Bob);
        FakeImage image = bench.World.Images[EngineBench.Digest('a')];
        EventsWatch watch = new() { New = true, Follow = true, Progress = true };
        using CancellationTokenSource end = new();
        await using IAsyncEnumerator<NodeEvent> mine = bench.Handlers.Events.Watch(Asked.By(EngineBench.Alice), watch, default).GetAsyncEnumerator();
        await using IAsyncEnumerator<NodeEvent> theirs = bench.Handlers.Events.Watch(Asked.By(EngineBench.Bob), watch, end.Token).GetAsyncEnumerator();
        Assert.True(await mine.MoveNextAsync());
        Assert.True(await theirs.MoveNextAsync());
        Task<bool> never = theirs.MoveNextAsync().AsTask();
        image.BytesFetched += 7;
        Assert.True(await mine.MoveNextAsync());
        Assert.Equal((EventKinds.ImageProgress, "web", image.BytesFetched, image.BytesTotal),
            (mine.Current.Kind, mine.Current.Workload, mine.Current.DoneBytes, mine.Current.TotalBytes));
        Assert.Equal(bench.Store.LastEvent(EngineBench.Alice), mine.Current.Number);
        Assert.False(never.IsCompleted);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
    }

    [Fact]
    public async Task Progress_of_the_nodes_update_is_told_to_owners_only()
    {
        using EngineBench bench = Deployed();
        bench.Update = new UpdateStatus { State = UpdateState.Fetching, Version = "2.0.0", From = "1.0.0", DoneBytes = 5, TotalBytes = 9 };
        EventsWatch watch = new() { New = true, Follow = true, Progress = true };
        using CancellationTokenSource end = new();
        await using IAsyncEnumerator<NodeEvent> owners = bench.Handlers.Events.Watch(Asked.By(EngineBench.Owner, Roles.Owner), watch,
            end.Token).GetAsyncEnumerator();
        await using IAsyncEnumerator<NodeEvent> tenants = bench.Handlers.Events.Watch(Asked.By(EngineBench.Bob), watch, end.Token).GetAsyncEnumerator();
        Assert.True(await owners.MoveNextAsync());
        Assert.True(await tenants.MoveNextAsync());
        Task<bool> never = tenants.MoveNextAsync().AsTask();
        Assert.True(await owners.MoveNextAsync());
        Assert.Equal((EventKinds.UpdateProgress, 5L, 9L), (owners.Current.Kind, owners.Current.DoneBytes, owners.Current.TotalBytes));
        Task<bool> next = owners.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);     // nothing moved
        bench.Update = bench.Update with { DoneBytes = 9 };
        Assert.True(await next);
        Assert.Equal(9, owners.Current.DoneBytes);
        Assert.False(never.IsCompleted);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
    }

    [Fact]
    public async Task A_number_beyond_the_last_event_is_of_a_node_that_forgot_and_all_that_is_kept_is_sent()
    {
        using EngineBench bench = Deployed();
        long last = bench.Store.LastEvent(EngineBench.Alice);
        List<long> numbers = [];
        await foreach (NodeEvent one in bench.Handlers.Events.Watch(Asked.By(EngineBench.Alice), new EventsWatch { After = last + 1 }, default))
            numbers.Add(one.Number);
        Assert.Equal(Enumerable.Range(1, (int)last).Select(n => (long)n), numbers);
    }

    [Fact]
    public void Trouble_with_an_image_shows_in_the_status_of_a_running_machine()
    {
        using EngineBench bench = Deployed();
        bench.World.Images[EngineBench.Digest('a')].Trouble = ("registry-unreachable", "no answer from registry.example");
        Assert.Equal((WorkloadState.Running, "registry-unreachable"), (bench.Status("web").State, bench.Status("web").Reason));
    }

    private static EngineBench Deployed(RestartPolicy restart = RestartPolicy.Always) =>
        EngineBench.Deployed(EngineBench.With(EngineBench.Shop(), 1, m => m with { Restart = restart }));

    private static string Refused(Func<object> act) => Assert.Throws<BusErrorException>(act).Error.Code;
}
