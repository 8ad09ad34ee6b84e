using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Tests.Bus;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

/// <summary>The runs of a machine that are kept.</summary>
public sealed class MachineRunsTests
{
    private static readonly MachineStop s_stop = new() { Deployment = "shop", Machine = "web" };

    [Fact]
    public void A_run_says_when_it_was_and_how_it_ended()
    {
        using EngineBench bench = EngineBench.Deployed();
        DateTimeOffset start = bench.Time.Now;
        End(new MachineEnd { Workload = new GuestExited { Code = 137, Signal = 9, OutOfMemory = true }, Reason = "powered off" });
        End(new MachineEnd { Failure = new GuestFailure { Stage = "exec", Message = "no such file", Code = 127 }, Reason = "powered off" });
        End(new MachineEnd { Failure = new GuestFailure { Stage = "root", Message = "no such disk" }, Reason = "powered off" });
        End(new MachineEnd { NotBooted = true, Reason = "silent" });
        End(new MachineEnd { Monitor = MonitorExit.GuestPanic, Reason = "panic" });
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.World.LosePower();
        bench.Restart();
        bench.Settle();
        Assert.Equal(
        [
            (7, null, null, "power-lost", false), (6, 143, null, "stopped", false), (5, 125, null, "guest-panic", false), (4, null, null, "not-booted", false),
            (3, 125, null, "setup-failed", false), (2, 127, null, "command-not-found", false), (1, 137, 9, "out-of-memory", true),
        ], bench.Status("web").Runs!.Select(r => (r.Number, r.ExitCode, r.Signal, r.Reason, r.OutOfMemory)));
        Assert.Equal((start, start + TimeSpan.FromSeconds(5)), (bench.Status("web").Runs![^1].StartedAt!.Value, bench.Status("web").Runs![^1].EndedAt!.Value));
        Assert.Null(bench.Status("web").Runs![0].EndedAt);
        Assert.Null(bench.Status("data").Runs);

        void End(MachineEnd end)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(5));
            bench.World.End(bench.Id("web"), end);
            bench.Settle();
            bench.Time.Advance(TimeSpan.FromSeconds(60));
            bench.Settle();
        }
    }

    [Fact]
    public void The_last_ten_are_kept_and_go_with_the_machine()
    {
        using EngineBench bench = EngineBench.Deployed();
        for (int i = 0; i < 12; i++)
        {
            bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
            bench.Settle();
        }
        bench.Restart();
        Assert.Equal([12, 11, 10, 9, 8, 7, 6, 5, 4, 3], bench.Status("web").Runs!.Select(r => r.Number));
        Assert.Null(bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments[0].Workloads[2].Runs);
        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" });
        bench.Settle();
        Assert.Empty(bench.Store.Runs(EngineBench.Alice, "shop"));
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        Assert.Null(bench.Status("web").Runs);
    }

    [Fact]
    public void A_status_says_when_a_machine_was_made_began_and_last_ended()
    {
        using EngineBench bench = EngineBench.Deployed();
        DateTimeOffset made = bench.Time.Now;
        Assert.Equal((made, made, null), Times());
        bench.Time.Advance(TimeSpan.FromSeconds(5));
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        Assert.Equal((made, null, made + TimeSpan.FromSeconds(5)), Times());

        (DateTimeOffset?, DateTimeOffset?, DateTimeOffset?) Times() =>
            (bench.Status("web").CreatedAt, bench.Status("web").StartedAt, bench.Status("web").EndedAt);
    }
}
