using System.Text.Json;

using Xunit;

using ZeroOS.Bus.Json;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Deployments;

namespace ZeroOS.Tests.Engine.Deployments;

public sealed class DeploymentValidatorTests
{
    [Fact]
    public void The_example_of_the_docs_is_valid() => DeploymentValidator.Check(EngineBench.Shop());

    [Theory]
    [InlineData("Shop")]
    [InlineData("")]
    [InlineData("-shop")]
    [InlineData("shop-")]
    [InlineData("a23456789012345678901234567890123456b")]
    [InlineData("sh.op")]
    public void A_bad_name_is_invalid_at_its_place(string name) => Refused("name", EngineBench.Shop() with { Name = name });

    [Fact]
    public void Names_are_unique_and_few()
    {
        Deployment shop = EngineBench.Shop();
        Refused("workloads[3].name",
            shop with { Workloads = [.. shop.Workloads, new ZmountWorkload { Name = "net", Data = new ZmountData { Size = new ByteSize(1L << 30) } }] });
        Refused("workloads", shop with { Workloads = [] });
        Refused("workloads", shop with
        {
            Workloads = [.. Enumerable.Range(0, 65).Select(i => new NetworkWorkload { Name = $"n{i}", Data = new NetworkData { Range = "10.0.0.0/24" } })]
        });
        Refused("version", shop with { Version = 0 });
    }

    [Fact]
    public void Annotations_are_few_and_short()
    {
        static Deployment With(params (string Key, string Value)[] annotations) =>
            EngineBench.Shop() with { Annotations = annotations.ToDictionary(a => a.Key, a => a.Value) };
        DeploymentValidator.Check(With());
        DeploymentValidator.Check(With((new string('k', 128), new string('v', 8192)), ("docker.name", "")));
        Refused("annotations", With(("", "v")));
        Refused("annotations", With((new string('\u00e9', 65), "v")));
        Refused("annotations.k", With(("k", new string('v', 8193))));
        Refused("annotations", With([.. Enumerable.Range(0, 65).Select(i => ($"k{i}", ""))]));
        Refused("annotations", With([.. Enumerable.Range(0, 4).Select(i => ($"{i}", new string('v', 8192)))]));
    }

    [Theory]
    [InlineData("10.77.1.0/15")]
    [InlineData("10.77.1.0/30")]
    [InlineData("10.77.1.1/24")]
    [InlineData("10.77.1.0")]
    [InlineData("10.077.1.0/24")]
    [InlineData("8.8.8.0/24")]
    [InlineData("172.32.0.0/16")]
    [InlineData("fd00::/64")]
    [InlineData("10.77.1.0/ 24")]
    public void A_bad_range_is_invalid(string range)
    {
        Deployment shop = EngineBench.Shop();
        Refused("workloads[0].data.range",
            shop with { Workloads = [new NetworkWorkload { Name = "net", Data = new NetworkData { Range = range } }, .. shop.Workloads.Skip(1)] });
    }

    [Theory]
    [InlineData("10.77.1.0", false)]
    [InlineData("10.77.1.1", false)]
    [InlineData("10.77.1.255", false)]
    [InlineData("10.77.2.5", false)]
    [InlineData("10.77.1", false)]
    [InlineData("010.77.1.5", false)]
    [InlineData("10.77.1.254", true)]
    public void An_address_is_inside_its_range_and_neither_gateway_nor_broadcast(string ip, bool valid)
    {
        Deployment deployment = Machine(d => d with { Networks = [new MachineNetwork { Network = "net", Ip = ip }] });
        if (valid)
            DeploymentValidator.Check(deployment);
        else
            Refused("workloads[2].data.networks[0].ip", deployment);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "cpu", "workloads[2].data.cpu" },
        { "memory-small", "workloads[2].data.memory" },
        { "memory-odd", "workloads[2].data.memory" },
        { "rootfs", "workloads[2].data.rootfs" },
        { "reference", "workloads[2].data.flist.reference" },
        { "digest", "workloads[2].data.flist.digest" },
        { "password", "workloads[2].data.flist.auth.password" },
        { "entrypoint", "workloads[2].data.entrypoint" },
        { "args-nul", "workloads[2].data.args[1]" },
        { "args-large", "workloads[2].data.args" },
        { "env-name", "workloads[2].data.env" },
        { "env-nul", "workloads[2].data.env.A" },
        { "user", "workloads[2].data.user" },
        { "workdir", "workloads[2].data.workdir" },
        { "mount-unknown", "workloads[2].data.mounts[0].volume" },
        { "mount-a-network", "workloads[2].data.mounts[0].volume" },
        { "mount-twice", "workloads[2].data.mounts[1].volume" },
        { "mount-root", "workloads[2].data.mounts[0].path" },
        { "mount-dots", "workloads[2].data.mounts[0].path" },
        { "mount-proc", "workloads[2].data.mounts[0].path" },
        { "network-unknown", "workloads[2].data.networks[0].network" },
        { "network-twice", "workloads[2].data.networks[1].network" },
        { "publish-host", "workloads[2].data.publish[0].host" },
        { "publish-guest", "workloads[2].data.publish[0].guest" },
        { "publish-bus", "workloads[2].data.publish[0].host" },
        { "publish-twice", "workloads[2].data.publish[1].host" },
        { "publish-nowhere", "workloads[2].data.publish" },
        { "signal", "workloads[2].data.stop.signal" },
        { "timeout", "workloads[2].data.stop.timeout" },
        { "timeout-long", "workloads[2].data.stop.timeout" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_fault_in_a_machine_is_invalid_with_its_exact_path(string fault, string path) => Refused(path, Machine(d => fault switch
    {
        "cpu" => d with { Cpu = 9 },
        "memory-small" => d with { Memory = new ByteSize(32L << 20) },
        "memory-odd" => d with { Memory = new ByteSize(65L << 20) },
        "rootfs" => d with { Rootfs = new ByteSize(1 << 20) },
        "reference" => d with { Flist = d.Flist with { Reference = "nginx" } },
        "digest" => d with { Flist = d.Flist with { Digest = "sha256:" + new string('A', 64) } },
        "password" => d with { Flist = d.Flist with { Auth = new RegistryCredentials { Username = "u", Password = "a\nb" } } },
        "entrypoint" => d with { Entrypoint = [] },
        "args-nul" => d with { Args = ["a", "b\0c"] },
        "args-large" => d with { Args = [new string('x', 40_000)] },
        "env-name" => d with { Env = new Dictionary<string, string> { ["A=B"] = "c" } },
        "env-nul" => d with { Env = new Dictionary<string, string> { ["A"] = "\0" } },
        "user" => d with { User = "a:b:c" },
        "workdir" => d with { Workdir = "srv" },
        "mount-unknown" => d with { Mounts = [new MachineMount { Volume = "nothing", Path = "/a" }] },
        "mount-a-network" => d with { Mounts = [new MachineMount { Volume = "net", Path = "/a" }] },
        "mount-twice" => d with { Mounts = [new MachineMount { Volume = "data", Path = "/a" }, new MachineMount { Volume = "data", Path = "/b" }] },
        "mount-root" => d with { Mounts = [new MachineMount { Volume = "data", Path = "/" }] },
        "mount-dots" => d with { Mounts = [new MachineMount { Volume = "data", Path = "/srv/../etc" }] },
        "mount-proc" => d with { Mounts = [new MachineMount { Volume = "data", Path = "/proc/sys" }] },
        "network-unknown" => d with { Networks = [new MachineNetwork { Network = "data" }] },
        "network-twice" => d with { Networks = [new MachineNetwork { Network = "net" }, new MachineNetwork { Network = "net" }] },
        "publish-host" => d with { Publish = [new PublishedPort { Host = 0, Guest = 80 }] },
        "publish-guest" => d with { Publish = [new PublishedPort { Host = 8080, Guest = 65536 }] },
        "publish-bus" => d with { Publish = [new PublishedPort { Host = 8051, Guest = 80 }] },
        "publish-twice" => d with { Publish = [new PublishedPort { Host = 8080, Guest = 80 }, new PublishedPort { Host = 8080, Guest = 81 }] },
        "publish-nowhere" => d with { Networks = [] },
        "signal" => d with { Stop = new StopPolicy { Signal = "SIGNOPE" } },
        "timeout" => d with { Stop = new StopPolicy { Timeout = "1h" } },
        "timeout-long" => d with { Stop = new StopPolicy { Timeout = "11m" } },
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    }));

    [Fact]
    public void Two_machines_cannot_have_one_address_or_one_volume()
    {
        Deployment shop = Machine(d => d with { Networks = [new MachineNetwork { Network = "net", Ip = "10.77.1.9" }] });
        ZmachineWorkload web = (ZmachineWorkload)shop.Workloads[2];
        ZmachineWorkload second = web with { Name = "second", Data = web.Data with { Publish = [], Mounts = [] } };
        Refused("workloads[3].data.networks[0].ip", shop with { Workloads = [.. shop.Workloads, second] });
        second = web with { Name = "second", Data = web.Data with { Publish = [], Networks = [] } };
        Refused("workloads[3].data.mounts[0].volume", shop with { Workloads = [.. shop.Workloads, second] });
    }

    [Theory]
    [InlineData("""{ "deployment": { "name": "shop", "version": 1, "workloads": [ { "name": "web", "type": "zmachine", "data":"""
        + """ { "flist": { "reference": "r/i", "digest": "d" }, "memory": 1, "cpuu": 2 } } ] } }""", "workloads[0].data")]
    [InlineData("""{ "deployment": { "name": "shop", "version": 1, "workloads": [ { "name": "web", "type": "zmachine", "data":"""
        + """ { "flist": { "reference": "r/i", "digest": "d" }, "memory": "1GB" } } ] } }""", "workloads[0].data.memory")]
    [InlineData("""{ "deployment": { "name": "shop", "version": 1, "workloads": [ { "name": "web", "type": "zmachine", "data":"""
        + """ { "flist": { "reference": "r/i", "digest": "d" }, "memory": 1, "restart": "sometimes" } } ] } }""", "workloads[0].data.restart")]
    public void A_misspelt_field_is_refused_with_its_place_in_what_the_person_wrote(string json, string place)
    {
        BusErrorException refused = Assert.Throws<BusErrorException>(() =>
            BodyReader.Read(JsonDocument.Parse(json).RootElement, BusJson.Default.DeploymentApply));
        Assert.Equal(ErrorCodes.Invalid, refused.Error.Code);
        Assert.StartsWith(place, refused.Error.Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("registry.example/shop/web:1.4", true)]
    [InlineData("demo/nginx", true)]
    [InlineData("10.0.2.2:5000/demo/nginx:latest", true)]
    [InlineData("demo/a__b", true)]
    [InlineData("demo/a--b", true)]
    [InlineData("nginx", false)]
    [InlineData("/nginx", false)]
    [InlineData("demo/", false)]
    [InlineData("demo/Nginx", false)]
    [InlineData("demo/../etc", false)]
    [InlineData("demo/a..b", false)]
    [InlineData("demo:99999/a", false)]
    [InlineData("demo/a:", false)]
    [InlineData("demo/a:b/c", false)]
    [InlineData("http://demo/a", false)]
    [InlineData("demo/a@sha256:00", false)]
    public void Image_references_are_what_the_distribution_spec_allows(string text, bool valid) => Assert.Equal(valid, ImageReferences.IsReference(text));

    private static Deployment Machine(Func<ZmachineData, ZmachineData> change) => EngineBench.With(EngineBench.Shop(), 1, change);

    private static void Refused(string path, Deployment deployment)
    {
        BusErrorException refused = Assert.Throws<BusErrorException>(() => DeploymentValidator.Check(deployment));
        Assert.Equal((ErrorCodes.Invalid, path), (refused.Error.Code, refused.Error.Path));
    }
}
