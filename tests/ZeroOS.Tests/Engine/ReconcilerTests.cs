using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Engine;

public sealed class ReconcilerTests
{
    [Fact]
    public void A_deployment_becomes_network_then_volume_then_machine_then_runs()
    {
        using EngineBench bench = EngineBench.Deployed();
        List<string> made = [.. bench.World.Calls
            .Where(c => !c.StartsWith("image", StringComparison.Ordinal) && !c.StartsWith("publish", StringComparison.Ordinal))];
        Assert.Equal(["network shop/net", "disk shop/data", "disk shop/web.root", "attach shop/web to net", "open shop/web.root", "open shop/data",
            "start shop/web"], made);
        Assert.All(bench.Handlers.Deployments.Get(Asked.By(EngineBench.Alice), new DeploymentName { Name = "shop" }).Workloads,
            w => Assert.Equal(WorkloadState.Running, w.State));
        Assert.Equal("10.77.1.2", bench.Status("web").Addresses!["net"]);
        Assert.Equal(8080, Assert.Single(bench.World.Published).HostPort);
        Assert.Equal(0, bench.World.OpenDescriptors);
        Assert.Equal(4 << 20, bench.Status("web").ImageBytesTotal);
        Assert.Equal(1, bench.World.Images[EngineBench.Digest('a')].TimesTold);
    }

    /// <summary>Finding 16: that a volume is read-only was known to the monitor alone.</summary>
    [Fact]
    public void A_volume_that_is_mounted_read_only_is_opened_so()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.Calls.Clear();
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2,
            d => d with { Mounts = [new MachineMount { Volume = "data", Path = "/srv/data", ReadOnly = true }] }));
        bench.Settle();
        Assert.Contains("open shop/data read-only", bench.World.Calls);
        Assert.Contains("open shop/web.root", bench.World.Calls);
    }

    [Fact]
    public void An_unchanged_machine_is_not_touched_by_an_apply()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.Calls.Clear();
        Deployment more = EngineBench.Shop(2) with { };
        bench.Apply(more with
        {
            Workloads = [.. more.Workloads, new ZmountWorkload { Name = "other", Data = new ZmountData { Size = new ByteSize(1L << 30) } }]
        });
        bench.Settle();
        Assert.Equal(["disk shop/other"], bench.World.Calls);
        Assert.Equal(1, bench.Status("web").Starts);
    }

    [Fact]
    public void Published_ports_and_policies_change_while_the_machine_runs()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.Calls.Clear();
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with
        {
            Publish = [new PublishedPort { Host = 30000, Guest = 81 }],
            Restart = RestartPolicy.Never,
            Stop = new StopPolicy { Timeout = "1s" }
        }));
        bench.Settle();
        Assert.Equal(["publish 1"], bench.World.Calls);
        Assert.Equal((30000, 81), (bench.World.Published[0].HostPort, bench.World.Published[0].GuestPort));
    }

    [Theory]
    [InlineData(false, WorkloadState.Pending)]
    [InlineData(true, WorkloadState.Deleting)]
    public void What_somebody_wants_while_a_pass_looks_is_not_written_over(bool runs, WorkloadState state)
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        bench.Settle();
        if (runs)
            Start();
        bench.Store.Fault = _ =>
        {
            bench.Store.Fault = null;
            if (runs)
                bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" });
            else
                Start();
        };
        bench.Engine.Pass(EngineBench.Alice);
        Assert.Null(bench.Store.Fault);
        Assert.Equal(state, bench.Status("web").State);

        void Start() => bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = "shop", Machine = "web" });
    }

    [Fact]
    public void A_changed_machine_restarts_alone_and_keeps_its_writable_layer()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.Calls.Clear();
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2,
            d => d with { Memory = new ByteSize(256L << 20), Stop = new StopPolicy { Signal = "QUIT", Timeout = "2s" } }));
        bench.World.ObeysAtOnce = false;
        bench.Settle();
        Assert.Equal(("SIGQUIT", 2000), (bench.World.Stopping[bench.Id("web")].Signal, bench.World.Stopping[bench.Id("web")].GraceMs));
        bench.World.Obey();
        bench.Settle();
        Assert.Equal(256L << 20, bench.World.Machines[bench.Id("web")].MemoryBytes);
        Assert.DoesNotContain("destroy shop/web.root", bench.World.Calls);
        Assert.DoesNotContain(bench.World.Calls, c => c.StartsWith("network", StringComparison.Ordinal));
        Assert.Equal((WorkloadState.Running, 0, 2), (bench.Status("web").State, bench.Status("web").Attempt, bench.Status("web").Starts));
    }

    [Fact]
    public void Another_image_begins_with_a_fresh_writable_layer_and_volumes_stay()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with { Flist = d.Flist with { Digest = EngineBench.Digest('b') } }));
        bench.Settle();
        Assert.Contains("destroy shop/web.root", bench.World.Calls);
        Assert.Equal(EngineBench.Digest('b'), bench.World.Machines[bench.Id("web")].Image.Digest);
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void A_networks_new_range_takes_its_machines_out_first()
    {
        using EngineBench bench = EngineBench.Deployed();
        Deployment moved = EngineBench.Shop(2);
        bench.Apply(moved with
        {
            Workloads = [.. moved.Workloads.Select(w => w is NetworkWorkload n ? n with { Data = new NetworkData { Range = "10.88.0.0/24" } } : w)]
        });
        bench.Settle();
        Assert.Equal("10.88.0.0/24", bench.World.Networks[bench.Id("net")].Range);
        Assert.Equal("10.88.0.2", bench.Status("web").Addresses!["net"]);
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
        Assert.Equal("10.88.0.2", Assert.Single(bench.World.Published).Guest.ToString());
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void A_network_that_becomes_internal_is_made_anew_with_its_machines()
    {
        using EngineBench bench = EngineBench.Deployed();
        Deployment closed = EngineBench.With(EngineBench.Shop(), 2, d => d with { Publish = [] });
        bench.Apply(closed with
        {
            Workloads = [.. closed.Workloads.Select(w => w is NetworkWorkload n ? n with { Data = n.Data with { Internal = true } } : w)]
        });
        bench.Settle();
        Assert.True(bench.World.Networks[bench.Id("net")].Internal);
        Assert.Equal((WorkloadState.Running, 2), (bench.Status("web").State, bench.Status("web").Starts));
        Assert.Null(Assert.Single(bench.World.Machines[bench.Id("web")].Spec.Nics).Gateway);
        Assert.Empty(bench.World.Published);
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void Delete_takes_down_in_reverse_and_keeps_the_volume()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.Calls.Clear();
        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" });
        bench.Settle();
        Assert.Equal(["publish 0", "stop shop/web", "acknowledge shop/web", "detach shop/web from net", "destroy shop/web.root", "remove network shop/net"],
            bench.World.Calls.OrderBy(c => c.StartsWith("publish", StringComparison.Ordinal) ? 0 : 1));
        Assert.Empty(bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments);
        Assert.Equal([bench.Id("data")], bench.World.Disks.Keys);
        VolumeStatus kept = Assert.Single(bench.Handlers.Volumes.List(Asked.By(EngineBench.Alice)).Volumes);
        Assert.Equal(("shop", "data", false), (kept.Deployment, kept.Name, kept.InUse));
        Assert.Empty(bench.World.Violations);

        // The name is free again, from version 1, and finds its volume.
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
        Assert.Equal(1L << 30, bench.World.Disks[bench.Id("data")]);
    }

    [Fact]
    public void Only_a_message_naming_it_destroys_a_volume()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.MayBeDestroyed.Add(bench.Id("data"));
        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop", Volumes = ["data"] });
        bench.Settle();
        Assert.Empty(bench.World.Disks);
        Assert.Empty(bench.Handlers.Volumes.List(Asked.By(EngineBench.Alice)).Volumes);
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void A_crash_loop_backs_off_and_never_deletes()
    {
        using EngineBench bench = EngineBench.Deployed();
        TimeSpan last = TimeSpan.Zero;
        for (int i = 1; i <= 8; i++)
        {
            bench.World.End(bench.Id("web"), 3);
            bench.Settle();
            WorkloadStatus status = bench.Status("web");
            Assert.Equal((WorkloadState.BackingOff, i >= 3 ? "crash-loop" : "exited", 3, i),
                (status.State, status.Reason, status.ExitCode!.Value, status.Attempt));
            TimeSpan wait = status.NextRetry!.Value - bench.Time.Now;
            Assert.InRange(wait.TotalSeconds, Math.Min(60, Math.Pow(2, i - 1)) * 0.74, 60);
            Assert.True(wait >= last * 0.7);
            last = wait;
            bench.Time.Now = status.NextRetry.Value;
            bench.Settle();
            Assert.Equal(WorkloadState.Running, bench.Status("web").State);
        }
        Assert.Contains(bench.Id("data"), bench.World.Disks.Keys);
        Assert.Contains(bench.Id("web.root"), bench.World.Disks.Keys);
        bench.Time.Advance(TimeSpan.FromSeconds(61));
        bench.World.End(bench.Id("web"), 3);
        bench.Settle();
        Assert.Equal(1, bench.Status("web").Attempt);
    }

    [Theory]
    [InlineData(RestartPolicy.Never, 0, WorkloadState.Exited)]
    [InlineData(RestartPolicy.Never, 7, WorkloadState.Exited)]
    [InlineData(RestartPolicy.OnFailure, 0, WorkloadState.Exited)]
    [InlineData(RestartPolicy.OnFailure, 7, WorkloadState.BackingOff)]
    [InlineData(RestartPolicy.Always, 0, WorkloadState.BackingOff)]
    public void The_restart_policy_decides_and_the_exit_code_is_kept(RestartPolicy policy, int code, WorkloadState expected)
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        bench.Apply(EngineBench.With(EngineBench.Shop(), 1, d => d with { Restart = policy }));
        bench.Settle();
        bench.World.End(bench.Id("web"), code);
        bench.Settle();
        Assert.Equal((expected, code), (bench.Status("web").State, bench.Status("web").ExitCode!.Value));
        Assert.Empty(bench.World.Unacknowledged);
        Assert.Empty(bench.World.Cards);

        bench.Restart();
        bench.Settle();
        Assert.Equal(expected, bench.Status("web").State);
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }

    [Fact]
    public void Stopped_stays_stopped_over_a_power_cut_until_started()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);
        bench.World.LosePower();
        bench.Restart();
        bench.Settle();
        Assert.Equal(WorkloadState.Stopped, bench.Status("web").State);
        Assert.Empty(bench.World.Machines);
        bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }

    [Fact]
    public void Machines_run_on_when_the_node_dies_and_are_served_again_untouched()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.Calls.Clear();
        bench.World.Revive();
        bench.Restart();
        bench.Settle();
        Assert.Equal(["network shop/net", "publish 1", "disk shop/data", $"image {EngineBench.Digest('a')[..10]}", "serve shop/web"], bench.World.Calls);
        Assert.Equal((WorkloadState.Running, 1), (bench.Status("web").State, bench.Status("web").Starts));
    }

    [Fact]
    public void An_end_while_the_node_was_away_is_heard_and_acknowledged()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.Die();
        bench.World.End(bench.Id("web"), 9);
        bench.World.Revive();
        bench.Restart();
        bench.Settle();
        bench.World.TellLate();
        bench.Settle();
        Assert.Equal(1, bench.Status("web").Starts);
        Assert.Equal((WorkloadState.BackingOff, 9), (bench.Status("web").State, bench.Status("web").ExitCode!.Value));
        Assert.Empty(bench.World.Unacknowledged);
    }

    [Fact]
    public void After_a_power_cut_everything_comes_back_without_back_off()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.World.LosePower();
        bench.Restart();
        bench.Settle();
        Assert.Equal((WorkloadState.Running, 0, 2), (bench.Status("web").State, bench.Status("web").Attempt, bench.Status("web").Starts));
        Assert.Single(bench.World.Published);
        Assert.Empty(bench.World.Violations);
    }

    [Fact]
    public void A_digest_that_does_not_exist_is_failed_for_good_and_another_one_mends_it()
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        bench.World.Missing.Add(EngineBench.Digest('a'));
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        Assert.Equal((WorkloadState.Failed, "image-not-found"), (bench.Status("web").State, bench.Status("web").Reason));
        bench.Time.Advance(TimeSpan.FromHours(1));
        bench.World.Calls.Clear();
        bench.Settle();
        Assert.Empty(bench.World.Calls);
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with { Flist = d.Flist with { Digest = EngineBench.Digest('b') } }));
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }

    [Fact]
    public void A_failing_network_holds_up_nobody_else()
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        bench.Grant(EngineBench.Bob);
        bench.World.FailChance = 1;
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        Assert.Equal((WorkloadState.BackingOff, WorkloadState.Pending), (bench.Status("net").State, bench.Status("web").State));
        bench.World.FailChance = 0;
        bench.Apply(EngineBench.Shop(port: 30001), EngineBench.Bob);
        bench.Settle(EngineBench.Bob);
        Assert.Equal(WorkloadState.Running, bench.Status("web", tenant: EngineBench.Bob).State);
        Assert.Equal(WorkloadState.BackingOff, bench.Status("net").State);
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("web").State);
    }
}
