using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds.Machines;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

public sealed class MachineNamesValidatorTests
{
    [Fact]
    public void What_docker_users_write_is_valid() => MachineNamesValidator.Check("data", Data() with
    {
        Hostname = "web-1.example.org",
        Labels = new Dictionary<string, string> { ["com.example/team"] = "shop\n", ["empty"] = "" },
        ExtraHosts = ["db:10.0.0.7", "six:2001:db8::1", "seven:[2001:db8::2]", "host.docker.internal:host-gateway"],
        Dns = new MachineDns { Servers = ["1.1.1.1", "2606:4700::1111"], Search = ["example.org", "."], Options = ["ndots:2", "use-vc"] },
        Groups = ["video", "44"],
    });

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("-web")]
    [InlineData("web-")]
    [InlineData("web.")]
    [InlineData("we b")]
    [InlineData("web\n")]
    [InlineData("a2345678901234567890123456789012345678901234567890123456789012345")]
    public void A_bad_host_name_is_refused(string name) => Refused("data.hostname", Data() with { Hostname = name });

    [Theory]
    [InlineData("db")]
    [InlineData("db:")]
    [InlineData(":10.0.0.7")]
    [InlineData("db:10.0.0")]
    [InlineData("db:010.0.0.7")]
    [InlineData("db:fe80::1%eth0")]
    [InlineData("d b:10.0.0.7")]
    [InlineData("db:10.0.0.7\n1.2.3.4 bank")]
    [InlineData("db:gateway")]
    public void A_bad_line_of_hosts_is_refused(string line) => Refused("data.extraHosts[0]", Data() with { ExtraHosts = [line] });

    [Fact]
    public void A_machine_without_a_network_has_no_gateway() =>
        Refused("data.extraHosts[1]", Data() with { Networks = [], ExtraHosts = ["a:1.2.3.4", "b:host-gateway"] });

    [Fact]
    public void Each_word_has_its_bound()
    {
        Refused("data.labels", Data() with { Labels = Enumerable.Range(0, 129).ToDictionary(i => $"l{i}", _ => "") });
        Refused("data.labels", Data() with { Labels = new Dictionary<string, string> { ["long"] = new('x', 16 * 1024) } });
        Refused("data.labels", Data() with { Labels = new Dictionary<string, string> { [""] = "x" } });
        Refused("data.extraHosts", Data() with { ExtraHosts = [.. Enumerable.Repeat("a:1.2.3.4", 65)] });
        Refused("data.dns.servers", Data() with { Dns = new MachineDns { Servers = [] } });
        Refused("data.dns.servers", Data() with { Dns = new MachineDns { Servers = [.. Enumerable.Repeat("1.1.1.1", 9)] } });
        Refused("data.dns.servers[0]", Data() with { Dns = new MachineDns { Servers = ["resolver"] } });
        Refused("data.dns.search[1]", Data() with { Dns = new MachineDns { Search = ["a", "b c"] } });
        Refused("data.dns.options[0]", Data() with { Dns = new MachineDns { Options = ["ndots:2\nnameserver"] } });
        Refused("data.dns.options", Data() with { Dns = new MachineDns { Options = [.. Enumerable.Repeat("a", 17)] } });
        Refused("data.groups[0]", Data() with { Groups = ["a:b"] });
        Refused("data.groups", Data() with { Groups = [.. Enumerable.Repeat("44", 33)] });
    }

    private static void Refused(string path, ZmachineData data) =>
        Assert.Equal(path, Assert.Throws<BusErrorException>(() => MachineNamesValidator.Check("data", data)).Error.Path);

    private static ZmachineData Data() => new()
    {
        Flist = new FlistReference { Reference = "r/i", Digest = EngineBench.Digest('a') },
        Networks = [new MachineNetwork { Network = "net" }],
    };
}
