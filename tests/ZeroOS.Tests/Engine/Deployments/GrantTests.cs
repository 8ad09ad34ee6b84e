using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Engine.Deployments;

public sealed class GrantTests
{
    [Fact]
    public void A_grant_is_replaced_by_a_higher_version_only()
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        bench.Grant(EngineBench.Alice);
        Assert.Equal(ErrorCodes.Conflict, Assert.Throws<BusErrorException>(() =>
            bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice) with { Cpu = 99 })).Error.Code);
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice, 5) with { Cpu = 2 });
        Assert.Equal(2, Assert.Single(bench.Handlers.Grants.List(Asked.By(EngineBench.Owner)).Grants).Cpu);
    }

    [Theory]
    [InlineData("grantee")]
    [InlineData("version")]
    [InlineData("ports[1]")]
    [InlineData("expires")]
    [InlineData("graceSeconds")]
    public void A_wrong_field_is_named(string path)
    {
        using EngineBench bench = new();
        Grant good = EngineBench.GrantFor(EngineBench.Alice);
        Grant bad = path switch
        {
            "grantee" => good with { Grantee = "nobody" },
            "version" => good with { Version = 0 },
            "ports[1]" => good with { Ports = ["80", "90-80"] },
            "expires" => good with { Expires = good.NotBefore },
            _ => good with { GraceSeconds = -1 },
        };
        Assert.Equal(path, Assert.Throws<BusErrorException>(() => bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), bad)).Error.Path);
    }

    [Fact]
    public void Expiry_stops_machines_and_the_grace_counts_only_synced_running_seconds()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Time.Now = new DateTimeOffset(2027, 1, 2, 0, 0, 0, TimeSpan.Zero);
        bench.ClockSynced = false;
        Tick(bench, 100_000);
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);     // an unsynced clock ends nothing

        bench.ClockSynced = true;
        Tick(bench, 100_000);      // the seconds before the end was seen are not grace
        Assert.Equal((WorkloadState.Stopped, "grant-ended"), (bench.Status("web").State, bench.Status("web").Reason));
        Assert.Equal(ErrorCodes.Denied, Assert.Throws<BusErrorException>(() => bench.Apply(EngineBench.Shop(2))).Error.Code);
        Assert.Equal(ErrorCodes.Denied, Assert.Throws<BusErrorException>(() =>
            bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = "shop", Machine = "web" })).Error.Code);
        Assert.Single(bench.Handlers.Volumes.List(Asked.By(EngineBench.Alice)).Volumes);

        Tick(bench, 3599);
        bench.World.LosePower();
        bench.Restart();
        bench.Settle();
        Assert.Contains(bench.Id("data"), bench.World.Disks.Keys);
        Assert.Equal(Roles.Tenant, bench.Engine.RolesOf(EngineBench.Alice));
        bench.World.MayBeDestroyed.Add(bench.Id("data"));
        Tick(bench, 2);
        Assert.Empty(bench.World.Disks);
        Assert.Empty(bench.World.Networks);
        Assert.Empty(bench.Store.Tenant(EngineBench.Alice).Deployments);
        Assert.Equal(Roles.None, bench.Engine.RolesOf(EngineBench.Alice));
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void One_forged_answer_of_a_time_server_destroys_nothing_and_is_mended_by_a_right_one()
    {
        using EngineBench bench = EngineBench.Deployed();
        DateTimeOffset right = bench.Time.Now;
        bench.Time.Now = right.AddYears(100);
        Tick(bench, 10);
        Tick(bench, 10);
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);
        bench.Time.Now = right;
        Tick(bench, 10);
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
        Assert.Contains(bench.Id("data"), bench.World.Disks.Keys);
    }

    [Fact]
    public void An_owner_cannot_shorten_the_grace_of_who_has_something_here()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice, 2) with { GraceSeconds = 0 });
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner),
            EngineBench.GrantFor(EngineBench.Alice, 3) with { GraceSeconds = 0, Expires = bench.Time.Now.AddSeconds(-1) });
        bench.Settle();
        Tick(bench, 3000);
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);
        Assert.Contains(bench.Id("data"), bench.World.Disks.Keys);
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice, 4));
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
        Assert.Equal(0, bench.Store.Grant(EngineBench.Alice)!.GraceUsed);
    }

    [Fact]
    public void A_reduced_grant_touches_nothing_for_seven_days_and_then_stops_the_newest()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(EngineBench.Shop(name: "second", port: 30000));
        bench.Settle();
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice, 2) with { Machines = 1 });
        bench.Settle();
        Tick(bench, GrantRules.NoticeSeconds - 1);
        Assert.Equal(WorkloadState.Running, bench.Status("web", "second").State);
        Assert.Equal("over-grant", bench.Handlers.Status.Get(Asked.By(EngineBench.Alice)).Conditions.Single(c => c.Name == "grant").Reason);
        Assert.Equal(ErrorCodes.OverCapacity, Assert.Throws<BusErrorException>(() => bench.Apply(EngineBench.Shop(name: "third", port: 30001))).Error.Code);

        Tick(bench, 1);
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
        Assert.Equal((WorkloadState.Stopped, "over-grant"), (bench.Status("web", "second").State, bench.Status("web", "second").Reason));
        Assert.Equal(2, bench.Handlers.Volumes.List(Asked.By(EngineBench.Alice)).Volumes.Count);

        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" });
        bench.Settle();
        Tick(bench, 1);
        Assert.Equal(WorkloadState.Running, bench.Status("web", "second").State);
    }

    [Fact]
    public void An_image_too_large_for_the_grant_waits_with_a_reason()
    {
        using EngineBench bench = new();
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner),
            EngineBench.GrantFor(EngineBench.Alice) with { Storage = new ByteSize((2L << 30) + (10L << 20)) });
        bench.World.Images[EngineBench.Digest('a')] = new FakeImage(EngineBench.Digest('a')) { BytesCounted = 100 << 20 };
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        Assert.Equal((WorkloadState.BackingOff, "over-capacity"), (bench.Status("web").State, bench.Status("web").Reason));
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice, 2));
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }

    private static void Tick(EngineBench bench, long seconds)
    {
        bench.Engine.Grants.Tick(seconds);
        bench.Settle();
    }
}
