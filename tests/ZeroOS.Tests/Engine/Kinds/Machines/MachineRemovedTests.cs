using System.Text;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

/// <summary>Deployments that go with their machine: remove: on-exit.</summary>
public sealed class MachineRemovedTests
{
    private static readonly MachineStop s_stop = new() { Deployment = "shop", Machine = "web" };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_goes_when_it_has_ended_or_was_stopped_and_says_its_exit_code(bool isStopped)
    {
        using EngineBench bench = EngineBench.Deployed(Passing());
        if (isStopped)
            bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop);
        else
            bench.World.End(bench.Id("web"), 3);
        bench.Settle();
        IsGone(bench, isStopped ? 143 : 3);
        bench.Apply(EngineBench.Shop());        // name and port are free
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }

    [Fact]
    public void It_goes_wherever_the_node_dies_behind_its_end()
    {
        for (int deaths = 1; deaths <= 60; deaths += 2)
        {
            using EngineBench bench = EngineBench.Deployed(Passing());
            int left = deaths;
            bench.Store.Fault = _ =>
            {
                if (--left == 0)
                    bench.World.Die();
                bench.World.MaybeDie();
            };
            try
            {
                bench.World.End(bench.Id("web"), 3);
                bench.Settle();
            }
            catch (DeathException)
            {
                bench.World.Revive();
                bench.Restart();
                bench.World.TellLate();
            }
            bench.Store.Fault = null;
            bench.Settle();
            IsGone(bench, 3);
        }
    }

    [Fact]
    public void It_stays_while_its_policy_a_restart_a_change_or_the_grant_has_a_say()
    {
        using EngineBench bench = EngineBench.Deployed(EngineBench.With(Passing(), 1, d => d with { Restart = RestartPolicy.OnFailure }));
        bench.World.End(bench.Id("web"), 3);
        bench.Settle();
        Assert.Equal(WorkloadState.BackingOff, bench.Status("web").State);
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.Apply(EngineBench.With(Passing(), 2, d => d with { Restart = RestartPolicy.OnFailure, Cpu = 2 }));
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 4), (bench.Status("web").State, bench.Status("web").Starts));

        bench.Time.Now = bench.Time.Now.AddYears(100);
        DateTimeOffset right = bench.Time.Now.AddYears(-100);
        bench.Engine.Grants.Tick(10);
        bench.Settle();
        Assert.Equal((WorkloadState.Stopped, "grant-ended"), (bench.Status("web").State, bench.Status("web").Reason));
        bench.Time.Now = right;
        bench.Engine.Grants.Tick(10);
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }

    [Fact]
    public void One_that_was_never_started_or_failed_for_good_stays()
    {
        using EngineBench bench = EngineBench.Deployed(EngineBench.With(Passing(), 1, d => d with { Run = false }));
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);
        bench.World.Missing.Add(EngineBench.Digest('a'));
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Assert.Equal((WorkloadState.Failed, "image-not-found"), (bench.Status("web").State, bench.Status("web").Reason));
    }

    [Fact]
    public async Task Whoever_followed_its_output_before_it_started_hears_its_last_word()
    {
        using EngineBench bench = EngineBench.Deployed(EngineBench.With(Passing(), 1, d => d with { Run = false }));
        await using IAsyncEnumerator<LogPiece> output = Follow(bench);
        Assert.True(await output.MoveNextAsync());
        Assert.Equal(("", 0L), (output.Current.Data, output.Current.Position));
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = "shop", Machine = "web" });
        bench.Settle();
        bench.Engine.Output(bench.Id("web"), 0, OutputStream.StandardOutput, "last words"u8);
        bench.World.End(bench.Id("web"), 3);
        bench.Settle();
        Assert.Equal(WorkloadState.Deleting, bench.Status("web").State);
        Assert.True(await output.MoveNextAsync());
        Assert.Equal("last words", Encoding.ASCII.GetString(Convert.FromBase64String(output.Current.Data)));
        Assert.False(await output.MoveNextAsync());
        bench.Settle();
        IsGone(bench, 3);
    }

    [Fact]
    public async Task Who_does_not_read_what_is_sent_is_waited_for_ten_seconds()
    {
        using EngineBench bench = EngineBench.Deployed(Passing());
        await using IAsyncEnumerator<LogPiece> output = Follow(bench);
        Assert.True(await output.MoveNextAsync());
        bench.World.End(bench.Id("web"), 3);
        bench.Settle();
        bench.Time.Advance(TimeSpan.FromSeconds(9));
        bench.Settle();
        Assert.Equal(WorkloadState.Deleting, bench.Status("web").State);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        bench.Settle();
        IsGone(bench, 3);
    }

    private static Deployment Passing() =>
        EngineBench.With(EngineBench.Shop(), 1, d => d with { Remove = RemovePolicy.OnExit, Restart = RestartPolicy.Never });

    private static IAsyncEnumerator<LogPiece> Follow(EngineBench bench) => bench.Handlers.Logs.Read(Asked.By(EngineBench.Alice),
        new MachineLogs { Deployment = "shop", Machine = "web", Follow = true, AtOnce = true }, default).GetAsyncEnumerator();

    private static void IsGone(EngineBench bench, int code)
    {
        Assert.Empty(bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments);
        NodeEvent gone = bench.Store.Events(EngineBench.Alice, 0).Last(e => e.Kind == EventKinds.WorkloadRemoved && e.Workload == "web");
        Assert.Equal(code, gone.ExitCode);
        Assert.Equal("data", Assert.Single(bench.Handlers.Volumes.List(Asked.By(EngineBench.Alice)).Volumes).Name);
        Assert.Equal([bench.Id("data")], bench.World.Disks.Keys);
        Assert.Empty(bench.World.Networks);
        Assert.Empty(bench.World.Published);
        Assert.Empty(bench.World.Unacknowledged);
        Assert.Empty(bench.World.Violations);
    }
}
