using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

/// <summary>Machines that are made now and started later: run: false.</summary>
public sealed class MachineCreatedTests
{
    private static readonly MachineName s_web = new() { Deployment = "shop", Machine = "web" };

    [Fact]
    public void It_waits_for_its_start_over_a_power_cut_with_all_that_it_needs()
    {
        using EngineBench bench = EngineBench.Deployed(Created());
        for (int life = 0; life < 2; life++)
        {
            WorkloadStatus web = bench.Status("web");
            Assert.Equal((WorkloadState.Stopped, null, 0), (web.State, web.Reason, web.Starts));
            Assert.Equal((WorkloadState.Running, WorkloadState.Running), (bench.Status("net").State, bench.Status("data").State));
            Assert.Empty(bench.World.Machines);
            Assert.Empty(bench.World.Published);
            bench.World.LosePower();
            bench.Restart();
            bench.Settle();
        }
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), s_web);
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 1), (bench.Status("web").State, bench.Status("web").Starts));
        Assert.Equal(8080, Assert.Single(bench.World.Published).HostPort);

        bench.World.LosePower();
        bench.Restart();
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 2), (bench.Status("web").State, bench.Status("web").Starts));
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void Its_ports_are_claimed_by_its_first_start_and_kept_from_then_on()
    {
        using EngineBench bench = EngineBench.Deployed(Created());
        bench.Apply(EngineBench.Shop(name: "second"));
        bench.Apply(EngineBench.With(Created(), 2, d => d with { Cpu = 2 }));
        BusError taken = Assert.Throws<BusErrorException>(() => bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), s_web)).Error;
        Assert.Equal((ErrorCodes.Conflict, "workloads[2].data.publish[0].host"), (taken.Code, taken.Path));
        Assert.Contains("\"second\"", taken.Message, StringComparison.Ordinal);
        bench.Settle();
        Assert.Equal((WorkloadState.Stopped, 0), (bench.Status("web").State, bench.Status("web").Starts));

        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "second" });
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        bench.Settle();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Assert.Equal((WorkloadState.Stopped, 1), (bench.Status("web").State, bench.Status("web").Starts));
        bench.Apply(EngineBench.With(Created(), 3, d => d with { Cpu = 1 }));
        Assert.Equal(ErrorCodes.Conflict, Assert.Throws<BusErrorException>(() => bench.Apply(EngineBench.Shop(name: "third"))).Error.Code);
    }

    [Fact]
    public void A_port_that_the_grant_does_not_have_is_refused_at_once()
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        Deployment wrong = EngineBench.With(EngineBench.Shop(port: 9), 1, d => d with { Run = false });
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<BusErrorException>(() => bench.Apply(wrong)).Error.Code);
    }

    [Fact]
    public void A_version_that_changes_it_is_a_start_or_a_stop_and_no_other_is()
    {
        using EngineBench bench = EngineBench.Deployed(Created());
        Turn(2, d => d with { Run = false, Cpu = 2 }, WorkloadState.Stopped);
        Turn(3, d => d with { Run = true, Cpu = 2 }, WorkloadState.Running);
        Assert.Single(bench.World.Published);
        Turn(4, d => d with { Cpu = 2 }, WorkloadState.Running);
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        Turn(5, d => d with { Cpu = 1 }, WorkloadState.Stopped);
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), s_web);
        bench.Settle();
        Turn(6, d => d with { Run = false }, WorkloadState.Stopped);
        Assert.Single(bench.World.Published);

        void Turn(int version, Func<ZmachineData, ZmachineData> change, WorkloadState expected)
        {
            bench.Apply(EngineBench.With(EngineBench.Shop(), version, change));
            bench.Settle();
            Assert.Equal(expected, bench.Status("web").State);
        }
    }

    private static Deployment Created() => EngineBench.With(EngineBench.Shop(), 1, d => d with { Run = false });
}
