using System.Runtime.CompilerServices;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos start, stop, restart, kill, wait and rm as people type them, against a node whose machines the test plays.</summary>
[Collection("zos")]
public sealed class MachineLifeVerbsTests : IAsyncLifetime
{
    private ZosBench _zos = null!;

    public async Task InitializeAsync()
    {
        _zos = await ZosBench.StartAsync();
        await _zos.SettleAsync();
        await _zos.Ok("deploy", Deployment("shop", "web", "db"));
        await _zos.Ok("deploy", Deployment("one", "main"));
    }

    public async Task DisposeAsync() => await _zos.DisposeAsync();

    [Fact]
    public async Task Stop_and_restart_say_how_and_print_each_name_as_it_was_given()
    {
        Assert.Equal("web\nshop/db\n", await _zos.Ok("stop", "-s", "INT", "-t", "0", "web", "shop/db"));
        Assert.Equal([Stop("web", "INT", 0), Stop("db", "INT", 0)], _zos.Turned);
        _zos.Turned.Clear();
        Assert.Equal("web\n", await _zos.Ok("restart", "--time", "7", "web"));
        Assert.Equal([Stop("web", null, 7)], _zos.Turned);
        _zos.Turned.Clear();
        Assert.Equal("db\n", await _zos.Ok("start", "db"));
        Assert.Equal([new MachineName { Deployment = "shop", Machine = "db" }], _zos.Turned);
        Assert.Equal("""{"deployment":"shop","machine":"db"}""" + "\n", await _zos.Ok("stop", "--json", "db"));
    }

    [Fact]
    public async Task One_that_fails_does_not_keep_the_others_from_being_done()
    {
        ZosRun run = (await _zos.Run("stop", "nobody", "web", "shop/nothing", "db")).Ended(1);
        Assert.Equal("web\ndb\n", run.Out);
        Assert.Equal(2, run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("you have no machine \"nobody\"", run.Error, StringComparison.Ordinal);
        Assert.Contains("\"shop\" has no machine \"nothing\"", run.Error, StringComparison.Ordinal);
        Assert.Equal([Stop("web"), Stop("db")], _zos.Turned);
        Assert.Contains("you have no machine", await _zos.Fails(1, "stop", "nobody"), StringComparison.Ordinal);
        await _zos.Fails(2, "stop");
        await _zos.Fails(2, "stop", "-t", "soon", "web");
    }

    [Fact]
    public async Task Kill_sends_the_signal_and_a_machine_that_does_not_run_is_refused()
    {
        Assert.Equal("web\n", await _zos.Ok("kill", "-s", "USR1", "web"));
        Assert.Equal("web\n", await _zos.Ok("kill", "web"));
        Assert.Equal([Kill("USR1"), Kill(null)], _zos.Turned);
        Assert.Contains("\"web\" does not run", await _zos.Fails(1, "kill", "web"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_prints_exit_codes_in_the_order_of_the_machines_and_hears_of_ends()
    {
        await _zos.Ok("kill", "db");
        bool over = false;
        _zos.Watch = (_, stop) => End(stop);
        Assert.Equal("5\n137\n", await _zos.Ok("wait", "web", "db"));
        Assert.True(over);
        Assert.Contains("\"exitCode\":137", await _zos.Ok("wait", "--json", "db"), StringComparison.Ordinal);
        _zos.Machines["shop/web"] = Status("web", WorkloadState.Failed) with { Reason = "image-not-found" };
        ZosRun run = (await _zos.Run("wait", "web", "db")).Ended(1);
        Assert.Equal("137\n", run.Out);
        Assert.Contains("web has no exit code, its program has never ended: it is failed: image-not-found", run.Error, StringComparison.Ordinal);

        async IAsyncEnumerable<NodeEvent> End([EnumeratorCancellation] CancellationToken stop)
        {
            yield return new NodeEvent { Number = 0, Time = DateTimeOffset.UnixEpoch, Kind = EventKinds.Watching };
            over = true;
            _zos.Machines["shop/web"] = Status("web", WorkloadState.Exited) with { ExitCode = 5 };
            yield return new NodeEvent { Number = 1, Time = DateTimeOffset.UnixEpoch, Kind = "workload-state", Deployment = "shop" };
            await Task.Delay(Timeout.Infinite, stop);
        }
    }

    [Fact]
    public async Task Wait_has_the_exit_code_of_a_machine_that_the_node_deletes_meanwhile()
    {
        _zos.Watch = (request, stop) => Tell(request, stop);
        Assert.Equal("4\n", await _zos.Ok("wait", "one"));
        Assert.Contains("you have no deployment", await _zos.Fails(1, "wait", "two/main"), StringComparison.Ordinal);

        async IAsyncEnumerable<NodeEvent> Tell(EventsWatch request, [EnumeratorCancellation] CancellationToken stop)
        {
            await Task.Yield();
            NodeEvent one = new() { Number = 8, Time = DateTimeOffset.UnixEpoch, Kind = EventKinds.WorkloadRemoved, Deployment = "one", Workload = "main" };
            if (request.New)
            {
                _zos.Forget("one");     // between the first question and the stream
                yield return one with { Kind = EventKinds.Watching, Deployment = null, Workload = null };
                await Task.Delay(Timeout.Infinite, stop);
            }
            yield return one with { Number = 6, ExitCode = 9 };     // of one before it
            yield return one with { Number = 7, Workload = "net" };
            yield return one with { ExitCode = 4 };
        }
    }

    [Fact]
    public async Task A_machine_that_was_never_started_is_called_created()
    {
        _zos.Machines["one/main"] = Status("main", WorkloadState.Stopped);
        Assert.Contains("created", await _zos.Ok("get", "one"), StringComparison.Ordinal);
        _zos.Machines["one/main"] = Status("main", WorkloadState.Stopped) with { Starts = 1 };
        Assert.Contains("stopped", await _zos.Ok("get", "one"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WorkloadState.Running, null, 2, 0)]
    [InlineData(WorkloadState.Exited, "exited", 2, 0)]
    [InlineData(WorkloadState.BackingOff, "crash-loop", 2, 0)]
    [InlineData(WorkloadState.BackingOff, "not-booted", 2, 1)]
    [InlineData(WorkloadState.BackingOff, "registry-unreachable", 1, 1)]
    [InlineData(WorkloadState.Stopped, "over-grant", 1, 1)]
    [InlineData(WorkloadState.Failed, "image-not-found", 1, 1)]
    public async Task Restart_is_done_when_the_program_ran_again_and_says_what_keeps_it_from_running(WorkloadState state, string? reason, int starts, int code)
    {
        _zos.Machines["shop/web"] = Status("web", WorkloadState.Running) with { Starts = 1 };
        _zos.Becomes = (status, _) => status with { State = state, Reason = reason, Starts = starts };
        ZosRun run = (await _zos.Run("restart", "web")).Ended(code);
        Assert.Equal(code == 0 ? "web\n" : "", run.Out);
        if (code != 0)
            Assert.Contains($"shop/web does not run: {reason}", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rm_deletes_a_machine_that_is_alone_and_at_rest_or_is_forced()
    {
        Assert.Contains("zos delete shop", await _zos.Fails(1, "rm", "-f", "web"), StringComparison.Ordinal);
        Assert.Contains("zos stop one", await _zos.Fails(1, "rm", "one"), StringComparison.Ordinal);
        Assert.Empty(_zos.Deleted);
        Assert.Equal("one\n", await _zos.Ok("rm", "-f", "one"));
        Assert.Equal([new MachineStop { Deployment = "one", Machine = "main", GraceSeconds = 0 }], _zos.Turned);
        Assert.Equal(("one", 0), (_zos.Deleted[0].Name, _zos.Deleted[0].Volumes.Count));

        await _zos.Ok("deploy", Deployment("one", "main"));
        Assert.Equal("one/main\n", await _zos.Ok("rm", "one/main"));        // at rest since
        Assert.Single(_zos.Turned);
    }

    private static MachineStop Stop(string machine, string? signal = null, int? grace = null) =>
        new() { Deployment = "shop", Machine = machine, Signal = signal, GraceSeconds = grace };

    private static MachineKill Kill(string? signal) => new() { Deployment = "shop", Machine = "web", Signal = signal };

    private static WorkloadStatus Status(string name, WorkloadState state) => new() { Name = name, Type = "zmachine", State = state };

    private string Deployment(string name, params string[] machines) =>
        _zos.Write($"{name}.yaml", $"name: {name}\nworkloads:\n" + string.Concat(machines.Select(Machine)));

    private static string Machine(string name) => $$"""
          - name: {{name}}
            type: zmachine
            data: { flist: { reference: demo/nginx:1, digest: "sha256:{{new string('a', 64)}}" }, memory: 256MiB }

        """;
}
