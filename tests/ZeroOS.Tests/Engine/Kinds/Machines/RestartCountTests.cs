using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Tests.Bus;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

/// <summary>Restarts that are counted: restart: on-failure with maxRestarts.</summary>
public sealed class RestartCountTests
{
    [Fact]
    public void It_is_started_again_so_often_and_then_left_with_its_last_code_whatever_the_node_went_through()
    {
        using EngineBench bench = Deployed(2);
        for (int i = 1; i <= 2; i++)
        {
            Fail(bench, i);
            Assert.Equal((WorkloadState.BackingOff, i), (bench.Status("web").State, bench.Status("web").ExitCode!.Value));
            bench.World.Revive();
            bench.Restart();
            Again(bench);
            Assert.Equal((WorkloadState.Running, i + 1), (bench.Status("web").State, bench.Status("web").Starts));
        }
        Fail(bench, 9);
        WorkloadStatus web = bench.Status("web");
        Assert.Equal((WorkloadState.Exited, "exited", "exit code 9, after 2 restarts", 9), (web.State, web.Reason, web.Message, web.ExitCode!.Value));
        Again(bench);
        Assert.Equal(3, bench.Status("web").Starts);

        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Fail(bench, 1);
        Assert.Equal(WorkloadState.BackingOff, bench.Status("web").State);      // a start by hand counts anew
    }

    [Fact]
    public void A_minute_of_running_and_what_is_not_the_programs_doing_do_not_count()
    {
        using EngineBench bench = Deployed(1);
        for (int i = 0; i < 3; i++)
        {
            bench.Time.Advance(TimeSpan.FromMinutes(1));
            Fail(bench, 1);
            Again(bench);
        }
        bench.World.End(bench.Id("web"), new MachineEnd { Failure = new GuestFailure { Stage = "root", Message = "no" }, Reason = "powered off" });
        bench.Settle();
        Again(bench);
        Assert.Equal((WorkloadState.Running, 5), (bench.Status("web").State, bench.Status("web").Starts));
        bench.World.LosePower();
        bench.Restart();
        bench.Settle();
        Fail(bench, 0);
        Assert.Equal((WorkloadState.Exited, "exit code 0"), (bench.Status("web").State, bench.Status("web").Message));
    }

    private static EngineBench Deployed(int maxRestarts) => EngineBench.Deployed(
        EngineBench.With(EngineBench.Shop(), 1, d => d with { Restart = RestartPolicy.OnFailure, MaxRestarts = maxRestarts }));

    private static void Fail(EngineBench bench, int code)
    {
        bench.World.End(bench.Id("web"), code);
        bench.Settle();
    }

    /// <summary>The longest back-off passes, and less than a healthy minute of running after it.</summary>
    private static void Again(EngineBench bench)
    {
        bench.Time.Advance(TimeSpan.FromSeconds(60));
        bench.Settle();
    }
}
