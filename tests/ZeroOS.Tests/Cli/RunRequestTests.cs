using Xunit;

using ZeroOS.Cli;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;
using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Tests.Cli;

public sealed class RunRequestTests
{
    [Theory]
    [InlineData("run demo/nginx", "run demo/nginx")]
    [InlineData("run -d demo/nginx nginx -g x", "run -d demo/nginx -- nginx -g x")]
    [InlineData("run -p 1:2 --name n demo/nginx -d", "run -p 1:2 --name n demo/nginx -- -d")]
    [InlineData("--node n1 run demo/nginx sh -c ls", "--node n1 run demo/nginx -- sh -c ls")]
    [InlineData("run demo/nginx -- sh", "run demo/nginx -- sh")]
    [InlineData("get run demo x", "get run demo x")]
    [InlineData("exec -it -e A=b web ls -la", "exec -it -e A=b web -- ls -la")]
    [InlineData("exec --user root shop/web exec -i", "exec --user root shop/web -- exec -i")]
    [InlineData("create --rm demo/nginx ls -d", "create --rm demo/nginx -- ls -d")]
    [InlineData("run", "run")]
    [InlineData("node status n1 --json", "node status n1 --json")]
    [InlineData("--timeout=3 run demo/nginx --timeout 3", "--timeout=3 run demo/nginx -- --timeout 3")]
    public void What_follows_the_image_is_the_machines(string typed, string parsed)
    {
        using MemoryStream nowhere = new();
        System.CommandLine.RootCommand root = CommandLine.Build(new Terminal(TextWriter.Null, TextWriter.Null, nowhere, nowhere,
            interactive: false, _ => null));
        Assert.Equal(parsed.Split(' '), WorkloadCommand.Separate(root, typed.Split(' ')));
    }

    [Theory]
    [InlineData("8080:80", 8080, 80, PortProtocol.Tcp)]
    [InlineData("53:5353/udp", 53, 5353, PortProtocol.Udp)]
    public void A_port_is_host_and_guest(string text, int host, int guest, PortProtocol protocol) =>
        Assert.Equal(new PublishedPort { Host = host, Guest = guest, Protocol = protocol }, RunRequest.ParsePort(text));

    [Theory]
    [InlineData("80")]
    [InlineData("0:80")]
    [InlineData("80:70000")]
    [InlineData("80:80/sctp")]
    [InlineData("127.0.0.1:80:80")]
    [InlineData("a:b")]
    [InlineData("")]
    public void Anything_else_is_wrong_usage(string text) =>
    Assert.Equal(CliException.Usage, Assert.Throws<CliException>(() => RunRequest.ParsePort(text)).ExitCode);

    [Fact]
    public void A_volume_is_a_name_and_a_path()
    {
        Assert.Equal(new MachineMount { Volume = "data", Path = "/srv", ReadOnly = true }, RunRequest.ParseVolume("data:/srv:ro"));
        foreach (string wrong in new[] { "/srv:/data", "./x:/y", "data", "data:srv", "Data:/srv", "data:/srv:xx" })
            Assert.Throws<CliException>(() => RunRequest.ParseVolume(wrong));
    }

    [Theory]
    [InlineData("no", RestartPolicy.Never, null)]
    [InlineData("unless-stopped", RestartPolicy.Always, null)]
    [InlineData("on-failure", RestartPolicy.OnFailure, null)]
    [InlineData("on-failure:5", RestartPolicy.OnFailure, 5)]
    [InlineData("on-failure:0", RestartPolicy.OnFailure, null)]
    public void A_restart_policy_is_dockers(string text, RestartPolicy policy, int? maxRestarts) =>
        Assert.Equal((policy, maxRestarts), RunRequest.ParseRestart(text));

    [Theory]
    [InlineData("sometimes")]
    [InlineData("always:3")]
    [InlineData("on-failure:")]
    [InlineData("on-failure:-1")]
    [InlineData("on-failure:1001")]
    [InlineData("on-failure:3:3")]
    public void Any_other_is_wrong_usage(string text) =>
        Assert.Equal(CliException.Usage, Assert.Throws<CliException>(() => RunRequest.ParseRestart(text)).ExitCode);

    [Theory]
    [InlineData("demo/nginx:1", "nginx-")]
    [InlineData("registry.example:5000/shop/Web_Front:1.4", "web-front-")]
    [InlineData("oci:/srv/images/redis:1", "redis-")]
    [InlineData("docker-archive:nginx.tar", "nginx-tar-")]
    public void A_name_is_made_of_the_images(string image, string starts)
    {
        string name = RunRequest.NameFor(image);
        Assert.StartsWith(starts, name, StringComparison.Ordinal);
        Assert.Matches("^[a-z0-9]([a-z0-9-]{0,34}[a-z0-9])?$", name);
    }

    [Theory]
    [InlineData("node.example", "node.example", 8051)]
    [InlineData("192.0.2.1:18051", "192.0.2.1", 18051)]
    [InlineData("[2001:db8::1]:9", "2001:db8::1", 9)]
    [InlineData("[2001:db8::1]", "2001:db8::1", 8051)]
    public void An_address_has_host_and_port(string text, string host, int port)
    {
        NodeAddress address = NodeAddress.Parse(text);
        Assert.Equal((host, port), (address.Host, address.Port));
    }

    [Theory]
    [InlineData("nobody@host")]
    [InlineData("host:0")]
    [InlineData("host:x")]
    [InlineData("2001:db8::1")]
    [InlineData("ho st")]
    [InlineData("")]
    public void A_wrong_address_is_wrong_usage(string text) => Assert.True(Assert.Throws<ClientException>(() => NodeAddress.Parse(text)).IsUsage);

    [Theory]
    [InlineData("128m", 128L << 20)]
    [InlineData("2g", 2L << 30)]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("134217728", 134217728L)]
    [InlineData("64kb", -1L)]
    [InlineData("m", -1L)]
    public void Memory_is_understood_as_docker_writes_it(string text, long bytes)
    {
        if (bytes < 0)
            Assert.Throws<CliException>(() => RunRequest.ParseMemory(text));
        else
            Assert.Equal(bytes, RunRequest.ParseMemory(text).Bytes);
    }
}
