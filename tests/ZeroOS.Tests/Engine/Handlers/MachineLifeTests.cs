using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Bus;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Handlers;

/// <summary>Machines that are stopped, restarted and killed, also over a death of the node.</summary>
public sealed class MachineLifeTests
{
    private static readonly MachineStop s_stop = new() { Deployment = "shop", Machine = "web" };
    private static readonly MachineKill s_kill = new() { Deployment = "shop", Machine = "web" };

    [Theory]
    [InlineData(null, null, "SIGQUIT", 20_000)]
    [InlineData("int", null, "SIGINT", 20_000)]
    [InlineData(null, 3, "SIGQUIT", 3_000)]
    [InlineData("SIGRTMIN+3", 600, "SIGRTMIN+3", 600_000)]
    [InlineData("USR1", 0, "SIGKILL", 0)]
    public void A_stop_goes_before_what_its_deployment_says(string? signal, int? grace, string expected, int graceMs)
    {
        using EngineBench bench = Deployed();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop with { Signal = signal, GraceSeconds = grace });
        bench.Settle();
        Assert.Equal((expected, graceMs), Stopping(bench));
        Assert.Equal(0, bench.Engine.StopWishes.Count);
        bench.World.Obey();
        bench.Settle();
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);

        // The next stop is as ever.
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), Name);
        bench.Settle();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        Assert.Equal(("SIGQUIT", 20_000), Stopping(bench));
    }

    [Fact]
    public void A_machine_on_its_way_down_is_told_to_hurry_once()
    {
        using EngineBench bench = Deployed();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop with { GraceSeconds = 0 });
        bench.Settle();
        Assert.Equal(("SIGKILL", 0), Stopping(bench));
        Assert.Equal(2, bench.World.Calls.Count(c => c == "stop shop/web"));
    }

    [Fact]
    public void A_node_that_dies_before_it_ordered_the_stop_stops_the_machine_as_its_deployment_says()
    {
        using EngineBench bench = Deployed();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop with { Signal = "INT", GraceSeconds = 1 });
        Reborn(bench);
        Assert.Equal(("SIGQUIT", 20_000), Stopping(bench));
    }

    [Fact]
    public void A_stop_that_was_taken_back_leaves_no_wish_for_a_later_one()
    {
        using EngineBench bench = Deployed();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop with { GraceSeconds = 1 });
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), Name);
        bench.Settle();
        Assert.Equal((0, 0), (bench.World.Stopping.Count, bench.Engine.StopWishes.Count));
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }

    [Theory]
    [InlineData(RestartPolicy.Always)]
    [InlineData(RestartPolicy.Never)]
    public void A_restart_stops_and_starts_and_keeps_the_exit_code(RestartPolicy policy)
    {
        using EngineBench bench = Deployed(d => d with { Restart = policy });
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop with { Signal = "INT" });
        bench.Settle();
        Assert.Equal(("SIGINT", 20_000), Stopping(bench));
        Assert.Equal((WorkloadState.Running, 1), (bench.Status("web").State, bench.Status("web").Starts));
        bench.World.Obey();
        bench.Settle();
        WorkloadStatus status = bench.Status("web");
        Assert.Equal((WorkloadState.Running, 2, 143, 0), (status.State, status.Starts, status.ExitCode!.Value, status.Attempt));
        Assert.Empty(bench.World.Stopping);
        Assert.Empty(bench.World.Violations);
    }

    [Theory]
    [InlineData("before the stop")]
    [InlineData("during the stop")]
    [InlineData("behind the end")]
    [InlineData("with the power")]
    public void A_restart_goes_on_after_the_death_of_the_node(string when)
    {
        using EngineBench bench = Deployed(d => d with { Restart = RestartPolicy.Never });
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        if (when is "during the stop" or "behind the end")
            bench.Settle();
        if (when == "behind the end")
        {
            bench.World.Die();
            bench.World.Obey();
        }
        if (when == "with the power")
            bench.World.LosePower();
        Reborn(bench);
        bench.World.Obey();
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 2), (bench.Status("web").State, bench.Status("web").Starts));
        Assert.Single(bench.World.Machines);
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void A_restart_of_a_machine_at_rest_starts_it()
    {
        using EngineBench bench = Deployed(d => d with { Restart = RestartPolicy.Never });
        bench.World.End(bench.Id("web"), 3);
        bench.Settle();
        Assert.Equal(WorkloadState.Exited, bench.Status("web").State);
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop with { GraceSeconds = 1 });
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 2, 3), (bench.Status("web").State, bench.Status("web").Starts, bench.Status("web").ExitCode!.Value));

        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.World.Obey();
        bench.Settle();
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 3), (bench.Status("web").State, bench.Status("web").Starts));
        Assert.DoesNotContain(bench.World.Stopping, s => s.Key == bench.Id("web"));
    }

    [Fact]
    public void A_restart_does_not_wait_for_the_back_off_and_begins_it_anew()
    {
        using EngineBench bench = Deployed();
        bench.World.End(bench.Id("web"), 1);
        bench.Settle();
        Assert.Equal((WorkloadState.BackingOff, 1), (bench.Status("web").State, bench.Status("web").Attempt));
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 0), (bench.Status("web").State, bench.Status("web").Attempt));
    }

    [Fact]
    public void A_restart_of_a_machine_on_its_way_down_brings_it_up_once()
    {
        using EngineBench bench = Deployed();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.World.Obey();
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 2), (bench.Status("web").State, bench.Status("web").Starts));
        Assert.Empty(bench.World.Stopping);
    }

    [Theory]
    [InlineData(null, "SIGKILL", 0, 137)]
    [InlineData("9", "SIGKILL", 0, 137)]
    [InlineData("quit", "SIGQUIT", 20_000, 143)]
    [InlineData("3", "3", 20_000, 143)]
    public async Task A_kill_that_is_a_stop_keeps_a_machine_down_whatever_its_policy(string? signal, string expected, int graceMs, int code)
    {
        using EngineBench bench = Deployed();
        await bench.Handlers.Machines.Kill(Asked.By(EngineBench.Alice), s_kill with { Signal = signal }, default);
        bench.Settle();
        Assert.Equal((expected, graceMs), Stopping(bench));
        bench.World.Obey();
        bench.Settle();
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        bench.Settle();
        Assert.Equal((WorkloadState.Stopped, code), (bench.Status("web").State, bench.Status("web").ExitCode!.Value));
        Assert.Empty(bench.World.Signals);
        Reborn(bench);
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);
    }

    [Fact]
    public async Task The_images_stop_signal_is_a_stop_unless_the_deployment_has_another()
    {
        using EngineBench bench = new();
        ImageConfig systemd = new() { Entrypoint = ["/sbin/init"], StopSignal = "SIGRTMIN+3" };
        bench.World.Images[EngineBench.Digest('a')] = new FakeImage(EngineBench.Digest('a'), systemd);
        bench.Grant(EngineBench.Alice);
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        bench.World.ObeysAtOnce = false;
        await bench.Handlers.Machines.Kill(Asked.By(EngineBench.Alice), s_kill with { Signal = "TERM" }, default);
        bench.Settle();
        Assert.Equal([(bench.Id("web"), 15)], bench.World.Signals);
        Assert.Empty(bench.World.Stopping);
        await bench.Handlers.Machines.Kill(Asked.By(EngineBench.Alice), s_kill with { Signal = "37" }, default);
        bench.Settle();
        Assert.Equal(("37", 10_000), Stopping(bench));
    }

    [Theory]
    [InlineData("USR1", 10)]
    [InlineData("sighup", 1)]
    [InlineData("SIGRTMAX", 64)]
    [InlineData("RTMIN", 34)]
    [InlineData("TERM", 15)]
    public async Task Any_other_signal_arrives_and_changes_nothing(string signal, int number)
    {
        using EngineBench bench = Deployed();
        long events = bench.Store.LastEvent(EngineBench.Alice);
        await bench.Handlers.Machines.Kill(Asked.By(EngineBench.Alice), s_kill with { Signal = signal }, default);
        bench.Settle();
        Assert.Equal([(bench.Id("web"), number)], bench.World.Signals);
        Assert.Equal(events, bench.Store.LastEvent(EngineBench.Alice));
        bench.World.End(bench.Id("web"), 0);        // it heeds the signal; the policy brings it back
        bench.Settle();
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 2), (bench.Status("web").State, bench.Status("web").Starts));
    }

    [Fact]
    public async Task Whatever_is_wrong_is_said_by_its_code_and_changes_nothing()
    {
        using EngineBench bench = Deployed();
        bench.Grant(EngineBench.Bob);
        foreach (int grace in (int[])[-1, 601, int.MaxValue])
        {
            MachineStop wrong = s_stop with { GraceSeconds = grace };
            Assert.Equal((ErrorCodes.Invalid, "graceSeconds"), Refused(() => bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), wrong)));
            Assert.Equal((ErrorCodes.Invalid, "graceSeconds"), Refused(() => bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), wrong)));
        }
        foreach (string signal in (string[])["", "NOPE", "0", "65", "SIGRTMIN+31"])
        {
            MachineStop wrong = s_stop with { Signal = signal };
            Assert.Equal((ErrorCodes.Invalid, "signal"), Refused(() => bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), wrong)));
            Assert.Equal((ErrorCodes.Invalid, "signal"), await RefusedAsync(bench, EngineBench.Alice, s_kill with { Signal = signal }));
        }
        Assert.Equal((ErrorCodes.NotFound, "deployment"), await RefusedAsync(bench, EngineBench.Bob, s_kill));
        Assert.Equal((ErrorCodes.NotFound, "deployment"), Refused(() => bench.Handlers.Machines.Restart(Asked.By(EngineBench.Bob), s_stop)));
        Assert.Equal((ErrorCodes.NotFound, "machine"), await RefusedAsync(bench, EngineBench.Alice, s_kill with { Machine = "data" }));
        bench.World.Deaf = true;
        Assert.Equal((ErrorCodes.Unavailable, "machine"), await RefusedAsync(bench, EngineBench.Alice, s_kill with { Signal = "HUP" }));
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 1, 0), (bench.Status("web").State, bench.Status("web").Starts, bench.Engine.StopWishes.Count));

        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), s_stop);
        bench.Settle();
        bench.World.Obey();
        bench.Settle();
        foreach (string? signal in (string?[])[null, "QUIT", "HUP"])
            Assert.Equal((ErrorCodes.Conflict, "machine"), await RefusedAsync(bench, EngineBench.Alice, s_kill with { Signal = signal }));
        bench.Time.Advance(TimeSpan.FromDays(365));
        bench.Engine.Grants.Tick(10);
        Assert.Equal(ErrorCodes.Denied, Refused(() => bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), s_stop)).Code);
    }

    [Fact]
    public async Task What_was_stored_is_not_done_again_by_the_same_message_and_what_was_not_stored_may_be()
    {
        using EngineBench bench = Deployed();
        RequestContext stop = Lasting(), restart = Lasting(), kill = Lasting(), died = Lasting();
        bench.Store.Fault = step =>
        {
            if (step == "commit")
                throw new DeathException();
        };
        Assert.Throws<DeathException>(() => bench.Handlers.Machines.Stop(died, s_stop with { GraceSeconds = 1 }));
        bench.Store.Fault = null;
        Assert.Equal(0, bench.Engine.StopWishes.Count);
        bench.Handlers.Machines.Restart(restart, s_stop);
        await bench.Handlers.Machines.Kill(kill, s_kill, default);
        bench.Handlers.Machines.Stop(stop, s_stop);
        Reborn(bench);
        foreach (RequestContext done in (RequestContext[])[stop, restart, kill])
            Assert.Equal(ReplayAnswer.Replayed, bench.Store.Remember(done.Sender, done.MessageId, done.RememberUntil, bench.Time.Now));
        Assert.Equal(ReplayAnswer.Fresh, bench.Store.Remember(died.Sender, died.MessageId, died.RememberUntil, bench.Time.Now));

        RequestContext Lasting() => Asked.By(EngineBench.Alice) with { RememberUntil = bench.Time.Now.AddMinutes(6) };
    }

    private static MachineName Name => new() { Deployment = "shop", Machine = "web" };

    private static EngineBench Deployed(Func<ZmachineData, ZmachineData>? change = null)
    {
        EngineBench bench = EngineBench.Deployed(EngineBench.With(EngineBench.Shop(), 1,
            d => (change ?? (same => same))(d with { Stop = new StopPolicy { Signal = "QUIT", Timeout = "20s" } })));
        bench.World.ObeysAtOnce = false;
        return bench;
    }

    /// <summary>The node died and starts again; what ran, runs.</summary>
    private static void Reborn(EngineBench bench)
    {
        bench.World.Revive();
        bench.Restart();
        bench.World.TellLate();
        bench.Settle();
    }

    private static (string, int) Stopping(EngineBench bench) => (bench.World.Stopping[bench.Id("web")].Signal!, bench.World.Stopping[bench.Id("web")].GraceMs);

    private static (string Code, string? Path) Refused(Func<object> act)
    {
        BusError error = Assert.Throws<BusErrorException>(act).Error;
        return (error.Code, error.Path);
    }

    private static async Task<(string Code, string? Path)> RefusedAsync(EngineBench bench, string tenant, MachineKill kill)
    {
        BusError error = (await Assert.ThrowsAsync<BusErrorException>(() => bench.Handlers.Machines.Kill(Asked.By(tenant), kill, default))).Error;
        return (error.Code, error.Path);
    }
}
