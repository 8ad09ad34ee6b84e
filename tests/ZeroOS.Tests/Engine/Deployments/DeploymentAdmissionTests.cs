using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Store;
using ZeroOS.Tests.Bus;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Deployments;

public sealed class DeploymentAdmissionTests
{
    [Fact]
    public void Without_a_grant_nothing_is_stored()
    {
        using EngineBench bench = new();
        Assert.Equal(ErrorCodes.Denied, Refused(() => bench.Apply(EngineBench.Shop())).Code);
        Assert.Empty(bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments);
    }

    [Fact]
    public void Versions_follow_each_other_and_the_same_again_is_no_error()
    {
        using EngineBench bench = Granted();
        Assert.Equal("version", Refused(() => bench.Apply(EngineBench.Shop(2))).Path);
        bench.Apply(EngineBench.Shop());
        bench.Apply(EngineBench.Shop());
        Assert.Equal(ErrorCodes.Conflict, Refused(() => bench.Apply(EngineBench.With(EngineBench.Shop(), 1, d => d with { Cpu = 2 }))).Code);
        Assert.Equal(ErrorCodes.Conflict, Refused(() => bench.Apply(EngineBench.With(EngineBench.Shop(), 3, d => d with { Cpu = 2 }))).Code);
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with { Cpu = 2 }));
        Assert.Equal(2, bench.Handlers.Deployments.Get(Asked.By(EngineBench.Alice), new DeploymentName { Name = "shop" }).Deployment.Version);
    }

    [Fact]
    public void Annotations_are_returned_and_a_change_of_them_touches_no_workload()
    {
        using EngineBench bench = Granted();
        bench.Apply(EngineBench.Shop());
        WorkloadRow? before = bench.Store.Workload(new WorkloadId(EngineBench.Alice, "shop", "web"));
        bench.Apply(EngineBench.Shop(2) with { Annotations = new Dictionary<string, string> { ["docker.name"] = "web" } });
        Assert.Equal(before, bench.Store.Workload(new WorkloadId(EngineBench.Alice, "shop", "web")));
        Deployment stored = bench.Handlers.Deployments.Get(Asked.By(EngineBench.Alice), new DeploymentName { Name = "shop" }).Deployment;
        Assert.Equal("web", stored.Annotations!["docker.name"]);
    }

    [Fact]
    public void A_port_of_ones_own_is_named_and_anothers_is_only_taken()
    {
        using EngineBench bench = Granted();
        bench.Grant(EngineBench.Bob);
        bench.Apply(EngineBench.Shop());
        BusError own = Refused(() => bench.Apply(EngineBench.Shop(name: "second")));
        Assert.Equal((ErrorCodes.Conflict, "workloads[2].data.publish[0].host"), (own.Code, own.Path));
        Assert.Contains("\"shop\" (machine web)", own.Message, StringComparison.Ordinal);
        BusError other = Refused(() => bench.Apply(EngineBench.Shop(), EngineBench.Bob));
        Assert.Equal((ErrorCodes.Conflict, "port 8080 is taken"), (other.Code, other.Message));
        Assert.Empty(bench.Handlers.Deployments.List(Asked.By(EngineBench.Bob)).Deployments);
        Assert.Empty(bench.Handlers.Volumes.List(Asked.By(EngineBench.Bob)).Volumes);
    }

    [Fact]
    public void A_port_outside_the_grant_is_invalid_unless_it_was_there_before_the_grant_shrank()
    {
        using EngineBench bench = Granted();
        Assert.Equal("workloads[2].data.publish[0].host", Refused(() => bench.Apply(EngineBench.Shop(port: 9999))).Path);
        bench.Apply(EngineBench.Shop());
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice, 2) with { Ports = [] });
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with { User = "1" }));
        Assert.Equal(ErrorCodes.Invalid, Refused(() => bench.Apply(EngineBench.Shop(3, port: 30000))).Code);
    }

    [Fact]
    public void More_than_the_grant_is_refused_whole_and_says_what()
    {
        using EngineBench bench = Granted();
        BusError refused = Refused(() => bench.Apply(EngineBench.With(EngineBench.Shop(), 1, d => d with { Memory = new ByteSize(6L << 30) })));
        Assert.Equal(ErrorCodes.OverCapacity, refused.Code);
        Assert.Contains("4GiB", refused.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Handlers.Volumes.List(Asked.By(EngineBench.Alice)).Volumes);
        Assert.Null(bench.Store.PortOwner(PortProtocol.Tcp, 8080));
        bench.Apply(EngineBench.Shop());
    }

    [Fact]
    public void The_node_keeps_its_reserve_and_tells_nobody_who_has_the_rest()
    {
        using EngineBench bench = Granted();
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Bob) with { Memory = new ByteSize(1L << 40) });
        bench.Apply(EngineBench.With(EngineBench.Shop(), 1, d => d with { Memory = new ByteSize(4L << 30) }));
        BusError refused = Refused(() =>
            bench.Apply(EngineBench.With(EngineBench.Shop(port: 30000), 1, d => d with { Memory = new ByteSize(4L << 30) }), EngineBench.Bob));
        Assert.Equal((ErrorCodes.OverCapacity, "the node has not enough memory for tenants left: 4GiB more asked for"), (refused.Code, refused.Message));
    }

    [Fact]
    public void A_volume_grows_and_never_shrinks_even_when_kept()
    {
        using EngineBench bench = Granted();
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        bench.Apply(Sized(2, 2));
        bench.Settle();
        Assert.Equal(2L << 30, bench.World.Disks[bench.Id("data")]);
        Assert.Equal(2, bench.Status("web").Starts);        // a guest sees a larger disk at its next start
        Assert.Equal("workloads[1].data.size", Refused(() => bench.Apply(Sized(3, 1))).Path);
        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" });
        bench.Settle();
        Assert.Equal("workloads[1].data.size", Refused(() => bench.Apply(Sized(1, 1))).Path);

        static Deployment Sized(int version, long gibibytes)
        {
            Deployment shop = EngineBench.Shop(version);
            return shop with
            {
                Workloads = [shop.Workloads[0], new ZmountWorkload { Name = "data", Data = new ZmountData { Size = new ByteSize(gibibytes << 30) } },
                    shop.Workloads[2]]
            };
        }
    }

    [Fact]
    public void Deleting_names_what_it_does_not_find()
    {
        using EngineBench bench = Granted();
        Assert.Equal(ErrorCodes.NotFound,
            Refused(() => bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" })).Code);
        bench.Apply(EngineBench.Shop());
        Assert.Equal("volumes[1]", Refused(() =>
            bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop", Volumes = ["data", "dta"] })).Path);
        Assert.False(bench.Handlers.Deployments.Get(Asked.By(EngineBench.Alice), new DeploymentName { Name = "shop" }).Deleting);
        Assert.Equal(ErrorCodes.Conflict,
            Refused(() => bench.Handlers.Volumes.Delete(Asked.By(EngineBench.Alice), new VolumeName { Deployment = "shop", Name = "data" })).Code);
    }

    [Fact]
    public void A_network_without_room_is_over_capacity()
    {
        using EngineBench bench = Granted();
        Deployment shop = EngineBench.Shop();
        ZmachineWorkload web = (ZmachineWorkload)shop.Workloads[2];
        Deployment crowd = shop with
        {
            Workloads = [new NetworkWorkload { Name = "net", Data = new NetworkData { Range = "10.1.1.0/29" } },
                .. Enumerable.Range(0, 6)
                    .Select(i => web with { Name = $"m{i}", Data = web.Data with { Mounts = [], Publish = [], Memory = new ByteSize(64L << 20) } })],
        };
        Assert.Equal(ErrorCodes.OverCapacity, Refused(() => bench.Apply(crowd)).Code);
        bench.Apply(crowd with { Workloads = [.. crowd.Workloads.SkipLast(1)] });
        Assert.Equal("10.1.1.6", bench.Status("m4").Addresses!["net"]);
    }

    [Fact]
    public void An_effect_and_its_messages_id_are_stored_together_or_not_at_all()
    {
        using EngineBench bench = Granted();
        Assert.True(KeyId.TryParse(EngineBench.Alice, out KeyId? alice));
        Guid done = Guid.NewGuid(), refused = Guid.NewGuid(), died = Guid.NewGuid();
        DateTimeOffset until = bench.Time.Now.AddMinutes(6);
        Mark(done, EngineBench.Shop());
        Assert.Throws<BusErrorException>(() => Mark(refused, EngineBench.Shop(7)));
        bench.Store.Fault = at => { if (at == "commit") throw new DeathException(); };
        Assert.Throws<DeathException>(() => Mark(died, EngineBench.With(EngineBench.Shop(), 2, d => d with { Cpu = 3 })));
        bench.Restart();
        Assert.Equal(1, bench.Handlers.Deployments.Get(Asked.By(EngineBench.Alice), new DeploymentName { Name = "shop" }).Deployment.Version);
        Assert.Equal(ReplayAnswer.Replayed, bench.Store.Remember(alice, done, until, bench.Time.Now));
        Assert.Equal(ReplayAnswer.Fresh, bench.Store.Remember(alice, refused, until, bench.Time.Now));
        Assert.Equal(ReplayAnswer.Fresh, bench.Store.Remember(alice, died, until, bench.Time.Now));

        void Mark(Guid id, Deployment deployment) =>
            bench.Handlers.Deployments.Apply(Asked.By(alice) with { MessageId = id, RememberUntil = until }, new DeploymentApply { Deployment = deployment });
    }

    [Fact]
    public void Credentials_are_kept_for_the_fetcher_and_told_to_nobody()
    {
        using EngineBench bench = Granted();
        DeploymentStatus told = bench.Apply(EngineBench.With(EngineBench.Shop(), 1,
            d => d with { Flist = d.Flist with { Auth = new RegistryCredentials { Username = "u", Password = "geheim" } } }));
        Assert.DoesNotContain("geheim", System.Text.Json.JsonSerializer.Serialize(told, BusJson.Default.DeploymentStatus), StringComparison.Ordinal);
        Assert.Equal("geheim",
            bench.Store.Deployment(EngineBench.Alice, "shop")!.Content.Workloads.OfType<ZmachineWorkload>().Single().Data.Flist.Auth!.Password);
        bench.Settle();
        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop" });
        bench.Settle();
        bench.Restart();
        foreach (string file in Directory.GetFiles(bench.Folder.Path, "engine.db*"))
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            Assert.True(bytes.AsSpan().IndexOf("geheim"u8) < 0, file);
        }
    }

    private static EngineBench Granted()
    {
        EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        return bench;
    }

    private static BusError Refused(Func<object> act) => Assert.Throws<BusErrorException>(act).Error;
}
