using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Deployments;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

/// <summary>Networks and volumes that machines of other deployments use.</summary>
public sealed class ForeignPartsTests
{
    [Fact]
    public void A_machine_joins_the_network_of_another_deployment()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(Guest("""{ "network": "shop/net", "aliases": ["cache", "redis.shop"] }"""));
        bench.Settle();
        Assert.Equal((WorkloadState.Running, "10.77.1.3"), (bench.Status("main", "side").State, bench.Status("main", "side").Addresses!["shop/net"]));
        Assert.Contains((bench.Id("net"), bench.Id("main", "side")), bench.World.Cards);
        Assert.Equal(["10.77.1.2 web.shop"], bench.World.Machines[bench.Id("main", "side")].Spec.Hosts);

        bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with { Env = new Dictionary<string, string> { ["MODE"] = "test" } }));
        bench.Settle();
        Assert.Equal("10.77.1.2", bench.Status("web").Addresses!["net"]);       // what others have there changes nothing
        Assert.Equal(["10.77.1.3 main.side cache redis.shop"], bench.World.Machines[bench.Id("web")].Spec.Hosts);
        Assert.Equal(1, bench.Status("main", "side").Starts);
    }

    [Fact]
    public void A_port_leads_to_a_machine_in_the_network_of_another_deployment()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(EngineBench.With(Guest("""{ "network": "shop/net" }"""), 1, d => d with { Publish = [new PublishedPort { Host = 30001, Guest = 80 }] }));
        bench.Settle();
        Assert.Contains(bench.World.Published, p => p.HostPort == 30001 && p.Network == bench.Id("net"));
    }

    [Fact]
    public void Ports_come_from_the_first_network_that_is_not_internal()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(Closed());
        bench.Apply(EngineBench.With(Guest("""{ "network": "closed/net" }, { "network": "shop/net" }"""), 1,
            d => d with { Publish = [new PublishedPort { Host = 30001, Guest = 80 }] }));
        bench.Settle();
        Assert.Equal(bench.Id("net"), Assert.Single(bench.World.Published, p => p.HostPort == 30001).Network);
        Assert.Equal([null, "10.0.0.1"], bench.World.Machines[bench.Id("main", "side")].Spec.Nics.Select(n => n.Gateway));

        BusErrorException refused = Assert.Throws<BusErrorException>(() => bench.Apply(EngineBench.With(Guest("""{ "network": "closed/net" }"""), 2,
            d => d with { Publish = [new PublishedPort { Host = 30001, Guest = 80 }] })));
        Assert.Equal((ErrorCodes.Invalid, "workloads[0].data.publish"), (refused.Error.Code, refused.Error.Path));
    }

    [Theory]
    [InlineData("""{ "network": "shop/none" }""", "workloads[0].data.networks[0].network")]
    [InlineData("""{ "network": "none/net" }""", "workloads[0].data.networks[0].network")]
    [InlineData("""{ "network": "shop/data" }""", "workloads[0].data.networks[0].network")]
    [InlineData("""{ "network": "side/net" }""", "workloads[0].data.networks[0].network")]
    [InlineData("""{ "network": "shop/net/x" }""", "workloads[0].data.networks[0].network")]
    [InlineData("""{ "network": "/net" }""", "workloads[0].data.networks[0].network")]
    [InlineData("""{ "network": "shop/net" }, { "network": "shop/net" }""", "workloads[0].data.networks[1].network")]
    [InlineData("""{ "network": "shop/net", "ip": "10.77.2.9" }""", "workloads[0].data.networks[0].ip")]
    [InlineData("""{ "network": "shop/net", "ip": "10.77.1.1" }""", "workloads[0].data.networks[0].ip")]
    [InlineData("""{ "network": "shop/net", "aliases": ["a b"] }""", "workloads[0].data.networks[0].aliases[0]")]
    [InlineData("""{ "network": "shop/net", "aliases": ["1","2","3","4","5","6","7","8","9"] }""", "workloads[0].data.networks[0].aliases")]
    public void What_is_not_there_or_does_not_fit_is_refused(string network, string path)
    {
        using EngineBench bench = EngineBench.Deployed();
        BusErrorException refused = Assert.Throws<BusErrorException>(() => bench.Apply(Guest(network)));
        Assert.Equal((ErrorCodes.Invalid, path), (refused.Error.Code, refused.Error.Path));
    }

    [Fact]
    public void Another_tenants_network_is_none()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Grant(EngineBench.Bob);
        Assert.Equal(ErrorCodes.Invalid,
            Assert.Throws<BusErrorException>(() => bench.Apply(Guest("""{ "network": "shop/net" }"""), EngineBench.Bob)).Error.Code);
    }

    [Fact]
    public void Two_networks_with_one_range_do_not_fit_into_one_machine()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(EngineBench.Shop(name: "twin", port: 30000));
        BusErrorException refused = Assert.Throws<BusErrorException>(() => bench.Apply(Guest("""{ "network": "shop/net" }, { "network": "twin/net" }""")));
        Assert.Contains("overlap", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_belongs_to_one_machine_of_all_deployments()
    {
        using EngineBench bench = EngineBench.Deployed();
        Assert.Equal(ErrorCodes.Conflict,
            Assert.Throws<BusErrorException>(() => bench.Apply(Guest("""{ "network": "shop/net", "ip": "10.77.1.2" }"""))).Error.Code);
        bench.Apply(Guest("""{ "network": "shop/net", "ip": "10.77.1.20" }"""));
        Assert.Equal(ErrorCodes.Conflict, Assert.Throws<BusErrorException>(() => bench.Apply(EngineBench.With(EngineBench.Shop(), 2,
            d => d with { Networks = [new MachineNetwork { Network = "net", Ip = "10.77.1.20" }] }))).Error.Code);
    }

    [Fact]
    public void What_is_used_stays_until_nobody_uses_it()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(EngineBench.With(Guest("""{ "network": "shop/net" }"""), 1, d => d with { Mounts = [Mount()] }));
        Deployment shop = EngineBench.Shop(2);
        Refused(() => bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop", Volumes = [] }), "\"net\"");
        Refused(() => bench.Apply(shop with { Workloads = [shop.Workloads[1]] }), "\"net\"");
        Refused(() => bench.Apply(shop with
        {
            Workloads = [new NetworkWorkload { Name = "net", Data = new NetworkData { Range = "10.78.0.0/24" } }, .. shop.Workloads.Skip(1)]
        }), "\"net\"");
        Refused(() => bench.Apply(EngineBench.With(shop with
        {
            Workloads = [new NetworkWorkload { Name = "net", Data = new NetworkData { Range = "10.77.1.0/24", Internal = true } }, .. shop.Workloads.Skip(1)]
        }, 2, d => d with { Publish = [] })), "\"net\"");
        Refused(() => bench.Apply(EngineBench.With(shop with { Workloads = [shop.Workloads[0], shop.Workloads[2]] }, 2, d => d with { Mounts = [] })),
            "\"data\"");

        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "side", Volumes = [] });
        bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = "shop", Volumes = [] });
        bench.Settle();
        Assert.Empty(bench.World.Networks);
        Assert.Empty(bench.World.Machines);

        static void Refused(Action change, string part)
        {
            BusErrorException refused = Assert.Throws<BusErrorException>(change);
            Assert.Equal(ErrorCodes.Conflict, refused.Error.Code);
            Assert.Contains(part, refused.Message, StringComparison.Ordinal);
            Assert.Contains("side/main", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_volume_has_one_machine_at_a_time()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(EngineBench.With(Guest("""{ "network": "shop/net" }"""), 1, d => d with { Mounts = [Mount()] }));
        bench.Settle();
        WorkloadStatus waits = bench.Status("main", "side");
        Assert.Equal((WorkloadState.Pending, "volume-in-use"), (waits.State, waits.Reason));
        Assert.Contains("shop/web", waits.Message, StringComparison.Ordinal);

        bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        bench.Settle();
        Assert.Equal(WorkloadState.Running, bench.Status("main", "side").State);
        Assert.Contains("open shop/data", bench.World.Calls);
    }

    [Fact]
    public void The_end_of_a_grant_takes_all_of_it_down()
    {
        using EngineBench bench = EngineBench.Deployed();
        bench.Apply(Guest("""{ "network": "shop/net" }"""));
        bench.Settle();
        new DeploymentAdmission(bench.Store, bench.Limits).DestroyAll(EngineBench.Alice);
        bench.Settle();
        Assert.Empty(bench.World.Machines);
        Assert.Empty(bench.World.Networks);
        Assert.Empty(bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments);
    }

    [Fact]
    public void Lines_of_hosts_have_a_bound()
    {
        using EngineBench bench = EngineBench.Deployed();
        string alias = new('a', MachineValidator.MaxAliasLength);
        WantedMachine me = Wanted("shop", "web", 2);
        IReadOnlyList<string> lines = HostLines.Of(me, [me, .. Enumerable.Range(0, 2000).Select(i => Wanted("d" + i, "main", 3 + i)), Wanted("shop", "db", 3)]);
        Assert.StartsWith("0.0.0.3 db", lines[0], StringComparison.Ordinal);      // of its own deployment first
        Assert.InRange(lines.Sum(l => l.Length + 1), HostLines.MaxBytes - 600, HostLines.MaxBytes);

        WantedMachine Wanted(string deployment, string name, int address)
        {
            string network = deployment == "shop" ? "net" : "shop/net";
            ZmachineWorkload machine = new()
            {
                Name = name,
                Data = new ZmachineData
                {
                    Flist = new FlistReference { Reference = "r/i", Digest = EngineBench.Digest('a') },
                    Networks = [new MachineNetwork { Network = network, Aliases = [.. Enumerable.Range(0, 8).Select(i => alias[..^1] + i)] }],
                }
            };
            return new WantedMachine(bench.Id(name, deployment), machine, new Dictionary<string, uint> { [network] = (uint)address }, "");
        }
    }

    private static MachineMount Mount() => new() { Volume = "shop/data", Path = "/data" };

    private static Deployment Closed() => EngineBench.Parse("""
        { "name": "closed", "version": 1, "workloads": [ { "name": "net", "type": "network", "data": { "range": "10.78.1.0/24", "internal": true } } ] }
        """);

    private static Deployment Guest(string networks) => EngineBench.Parse($$"""
        { "name": "side", "version": 1, "workloads": [ { "name": "main", "type": "zmachine", "data": {
            "flist": { "reference": "registry.example/shop/web:1.4", "digest": "{{EngineBench.Digest('b')}}" }, "memory": "64MiB",
            "networks": [ {{networks}} ] } } ] }
        """);
}
