using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Handlers;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Workloads;

namespace ZeroOS.Tests.Engine;

/// <summary>What the node does with what guests say of their workloads' health.</summary>
public sealed class HealthTests
{
    [Fact]
    public void Machine_with_a_check_is_starting_until_its_guest_says_more_and_each_change_is_one_event()
    {
        using EngineBench bench = EngineBench.Deployed(WithCheck());
        Assert.Equal("check", bench.World.Machines[bench.Id("web")].Spec.Health!.Arguments![0]);
        Assert.Equal((HealthState.Starting, 0), State(bench));
        Say(bench, HealthState.Starting, 1, 1, exitCode: 1);
        Say(bench, HealthState.Healthy, 0, 2);
        Say(bench, HealthState.Healthy, 0, 3);
        Say(bench, HealthState.Unhealthy, 3, 4, exitCode: 7);
        Assert.Equal((HealthState.Unhealthy, 3), State(bench));
        Assert.Equal(["starting ", "healthy ", "unhealthy exit code 7 no?answer"], Events(bench));
        Assert.Equal((WorkloadState.Running, 1), (bench.Status("web").State, bench.Status("web").Starts));
    }

    [Fact]
    public void Last_five_results_are_kept_and_told_for_one_deployment_and_what_is_told_again_changes_nothing()
    {
        using EngineBench bench = EngineBench.Deployed(WithCheck());
        for (int i = 1; i <= 7; i++)
            Say(bench, HealthState.Healthy, 0, i);
        Say(bench, HealthState.Healthy, 0, 4);
        IReadOnlyList<HealthResult> results = bench.Status("web").Health!.Results!;
        Assert.Equal([3, 4, 5, 6, 7], results.Select(r => r.Number));
        Assert.Equal(("no\nanswer", 0, 500), (results[0].Output, results[0].ExitCode, (results[0].End - results[0].Start).TotalMilliseconds));
        WorkloadStatus listed = bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments[0].Workloads.Single(w => w.Name == "web");
        Assert.Equal((HealthState.Healthy, null), (listed.Health!.State, listed.Health.Results));
    }

    [Fact]
    public void Machine_without_a_check_has_no_health_and_one_that_ended_has_none_any_more()
    {
        using EngineBench bench = EngineBench.Deployed();
        Assert.Null(bench.Status("web").Health);
        using EngineBench other = EngineBench.Deployed(WithCheck());
        Say(other, HealthState.Healthy, 0, 1);
        other.World.End(other.Id("web"), 1);
        other.Engine.Pass(EngineBench.Alice);
        Assert.Null(other.Status("web").Health);
    }

    [Fact]
    public void After_a_restart_of_the_node_health_is_told_again_and_is_no_event()
    {
        using EngineBench bench = EngineBench.Deployed(WithCheck());
        Say(bench, HealthState.Healthy, 0, 1);
        bench.Restart();
        bench.Settle();
        Assert.Null(bench.Status("web").Health);
        Say(bench, HealthState.Healthy, 0, 1);
        Assert.Equal((HealthState.Healthy, 0), State(bench));
        Assert.Equal(["starting ", "healthy "], Events(bench));
        Say(bench, HealthState.Unhealthy, 3, 2, exitCode: 1);
        Assert.Equal(3, Events(bench).Count);
    }

    [Fact]
    public void Unhealthy_machine_is_stopped_and_started_again_after_a_back_off_if_that_is_wanted()
    {
        using EngineBench bench = EngineBench.Deployed(EngineBench.With(WithCheck(UnhealthyAction.Restart), 1,
            d => d with { Restart = RestartPolicy.Never, Stop = new StopPolicy { Signal = "QUIT", Timeout = "3s" } }));
        bench.World.ObeysAtOnce = false;
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            bench.Time.Advance(TimeSpan.FromMinutes(2));     // never healthy: no time makes it a good run
            Say(bench, HealthState.Unhealthy, 3, 1, exitCode: 1);
            Assert.Equal(("SIGQUIT", 3000), (bench.World.Stopping[bench.Id("web")].Signal, bench.World.Stopping[bench.Id("web")].GraceMs));
            bench.World.Obey();
            bench.Engine.Pass(EngineBench.Alice);
            WorkloadStatus status = bench.Status("web");
            Assert.Equal((WorkloadState.BackingOff, "unhealthy", attempt, 143), (status.State, status.Reason, status.Attempt, status.ExitCode));
            bench.Time.Advance(TimeSpan.FromSeconds(8));
            bench.Settle();
            Assert.Equal((WorkloadState.Running, attempt + 1), (bench.Status("web").State, bench.Status("web").Starts));
            Assert.Equal((HealthState.Starting, 0), State(bench));
        }
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        Say(bench, HealthState.Healthy, 0, 1);
        Say(bench, HealthState.Unhealthy, 3, 2, exitCode: 1);
        bench.World.Obey();
        bench.Engine.Pass(EngineBench.Alice);
        Assert.Equal(1, bench.Status("web").Attempt);
    }

    [Fact]
    public void Unhealthy_machine_that_its_tenant_stops_stays_stopped()
    {
        using EngineBench bench = EngineBench.Deployed(WithCheck(UnhealthyAction.Restart));
        bench.World.ObeysAtOnce = false;
        Say(bench, HealthState.Unhealthy, 3, 1, exitCode: 1);
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        bench.World.Obey();
        bench.Settle();
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);
    }

    [Fact]
    public void What_an_unhealthy_machine_leads_to_changes_while_it_runs_and_its_check_does_not()
    {
        using EngineBench bench = EngineBench.Deployed(WithCheck());
        bench.Apply(EngineBench.With(WithCheck(UnhealthyAction.Restart), 2, d => d));
        bench.Settle();
        Assert.Equal(1, bench.Status("web").Starts);
        bench.Apply(EngineBench.With(WithCheck(UnhealthyAction.Restart), 3, d => d with { Health = d.Health! with { Retries = 5 } }));
        bench.Settle();
        Assert.Equal((2, 5), (bench.Status("web").Starts, bench.World.Machines[bench.Id("web")].Spec.Health!.Retries));
    }

    private static Deployment WithCheck(UnhealthyAction action = UnhealthyAction.None) =>
        EngineBench.With(EngineBench.Shop(), 1, d => d with { Health = new HealthCheck { Command = ["check"], OnUnhealthy = action } });

    private static void Say(EngineBench bench, HealthState state, int streak, long number, int exitCode = 0)
    {
        bench.Engine.Health(bench.Id("web"), new GuestHealthReport
        {
            State = state,
            FailingStreak = streak,
            Result = new GuestProbeResult { Number = number, StartMs = 1_000, EndMs = 1_500, ExitCode = exitCode, Output = "no\nanswer"u8.ToArray() },
        });
        bench.Engine.Pass(EngineBench.Alice);
    }

    private static (HealthState State, int Streak) State(EngineBench bench) =>
        bench.Status("web").Health is { } health ? (health.State, health.FailingStreak) : throw new InvalidOperationException("no health");

    private static IReadOnlyList<string> Events(EngineBench bench) =>
        [.. bench.Store.Events(EngineBench.Alice, 0).Where(e => e.Kind == EventKinds.Health).Select(e => $"{e.Reason} {e.Message}")];
}
