using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

using ZeroOS.Client.Forwarding;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Node;
using ZeroOS.Docker.Ports;
using ZeroOS.Tests.Guest.Sessions;

namespace ZeroOS.Tests.Docker;

/// <summary>Ports of containers on the loopback of the computer on which zos docker runs, down to programs behind a guest's own sessions.</summary>
public sealed class DockerPortTests : IAsyncLifetime
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(60);

    private readonly PlayedService _echo = PlayedService.Echo();
    private DockerBench _docker = null!;
    private RelayedGuest _guest = null!;

    public async Task InitializeAsync()
    {
        _docker = await DockerBench.StartAsync();
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        _guest = new RelayedGuest(_docker.Node);
    }

    public async Task DisposeAsync()
    {
        _guest.End();
        await _docker.DisposeAsync();
        _guest.Dispose();
        _echo.Dispose();
    }

    [Fact]
    public async Task Published_port_is_here_too_as_long_as_the_container_runs_by_one_session_from_the_first_connection_on()
    {
        int port = FreePort();
        await CreateAsync("web", "", port);
        Assert.Equal((port, _echo.Port), Published("web").Select(p => (p.Host, p.Guest)).Single());
        Assert.False(await ListensAsync(port));
        await StartAsync("web");
        Assert.Equal(0, _docker.Node.Openings);
        await Task.WhenAll(EchoAsync(port), EchoAsync(port));
        Assert.Equal(1, _docker.Node.Openings);
        Assert.Equal((Deployment("web").Name, "main"), (_docker.Node.Opened!.Deployment, _docker.Node.Opened.Machine));
        Assert.Equal([$"0.0.0.0:{port}"], await ShownAsync("web"));
        Assert.Equal(204, (await _docker.AskAsync("POST", "/containers/web/stop")).Status);
        Assert.False(await ListensAsync(port));
    }

    [Fact]
    public async Task Port_that_is_taken_here_is_a_sentence_and_the_nodes_port_and_the_container_are_there()
    {
        using ForwardListener taken = Take(0);
        await CreateAsync("web", "0.0.0.0", taken.Local.Port);
        await StartAsync("web");
        Assert.Equal($"container web: port {_echo.Port} is not at {taken.Local} of this computer: address already in use", await _docker.NextComplaintAsync());
        Assert.Equal([$"0.0.0.0:{taken.Local.Port}"], await ShownAsync("web"));
    }

    [SkippableTheory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.9")]
    [InlineData("::1")]
    public async Task Port_of_this_computer_alone_is_none_of_the_node_and_is_shown_where_it_is(string address)
    {
        Skip.IfNot(address != "::1" || Socket.OSSupportsIPv6, "this computer has no IPv6");
        IPAddress local = IPAddress.Parse(address);
        int port = FreePort(local);
        await CreateAsync("web", address, port);
        Assert.Empty(Published("web"));
        await StartAsync("web");
        Assert.Equal([$"{address}:{port}"], await ShownAsync("web"));
        await EchoAsync(port, local);
    }

    [Fact]
    public async Task Port_of_this_computer_alone_that_is_taken_fails_the_start_until_it_is_free()
    {
        int port = FreePort();
        await CreateAsync("one", "127.0.0.1", port);
        await CreateAsync("two", "127.0.0.1", port);
        await StartAsync("one");
        (int status, string body) = await _docker.AskAsync("POST", "/containers/two/start");
        Assert.Equal(500, status);
        Assert.Contains("driver failed programming external connectivity on endpoint two", body, StringComparison.Ordinal);
        Assert.Contains("address already in use", body, StringComparison.Ordinal);
        Assert.Equal("created", (await _docker.JsonAsync("GET", "/containers/two/json"))["State"]!["Status"]!.ToString());
        Assert.Equal(204, (await _docker.AskAsync("DELETE", "/containers/one?force=1")).Status);
        await StartAsync("two");
        await EchoAsync(port);
    }

    [Fact]
    public async Task Port_here_that_nobody_named_is_chosen_kept_and_chosen_anew_where_it_is_taken()
    {
        await CreateAsync("web", "127.0.0.1", null);
        LocalPort first = Assert.Single(Local("web"));
        Assert.Equal((_echo.Port, IPAddress.Loopback, true), (first.Guest, first.Local.Address, first.IsAny));
        using ForwardListener taken = Take(first.Local.Port);
        await StartAsync("web");
        LocalPort second = Assert.Single(Local("web"));
        Assert.NotEqual(first.Local, second.Local);
        Assert.Equal([$"{second.Local}"], await ShownAsync("web"));
        await EchoAsync(second.Local.Port);
    }

    [Fact]
    public async Task Grant_without_ports_is_enough_for_a_port_here()
    {
        _docker.Engine.GrantPorts = [];
        JsonNode created = await CreateAsync("web", "", null);
        LocalPort port = Assert.Single(Local("web"));
        Assert.Empty(Published("web"));
        Assert.Equal($"the grant has no ports: port {_echo.Port}/tcp is at {port.Local} of this computer alone, as long as zos docker runs",
            Assert.Single(created["Warnings"]!.AsArray())!.ToString());
        await StartAsync("web");
        await EchoAsync(port.Local.Port);
    }

    [Fact]
    public async Task Another_zos_docker_listens_for_what_runs_already()
    {
        int published = FreePort();
        await CreateAsync("web", "", published);
        await CreateAsync("own", "127.0.0.1", null);
        await StartAsync("web");
        await StartAsync("own");
        string[] shown = await ShownAsync("own");
        await _docker.BeginAnewAsync();
        await LookedAsync();
        Assert.Equal(shown, await ShownAsync("own"));
        await EchoAsync(published);
        await EchoAsync(IPEndPoint.Parse(shown.Single()).Port);
    }

    [Theory]
    [InlineData("""{"53/udp":[{"HostIp":"127.0.0.1","HostPort":"5353"}]}""", "carry TCP")]
    [InlineData("""{"80/tcp":[{"HostIp":"here","HostPort":"8080"}]}""", "no IP address")]
    [InlineData("""{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"65536"}]}""", "no port")]
    public async Task Port_that_cannot_be_had_is_a_sentence(string bindings, string says)
    {
        JsonNode answer = await _docker.JsonAsync("POST", "/containers/create?name=web",
            $$"""{"Image":"{{DockerBench.Image}}","HostConfig":{"PortBindings":{{bindings}} } }""", 400);
        Assert.Contains(says, answer["message"]!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ports_here_beyond_the_most_fail_the_start_and_of_one_container_its_creation()
    {
        string Bindings(int count) => string.Join(',', Enumerable.Repeat("""{"HostIp":"127.0.0.1","HostPort":""}""", count));
        const int Each = LocalPort.MostOfContainer;
        for (int i = 0; i <= PortListeners.Most / Each; i++)
            await _docker.CreateAsync($"c{i}", host: $$""","PortBindings":{"80/tcp":[{{Bindings(Each)}}]}""");
        for (int i = 0; i < PortListeners.Most / Each; i++)
            await StartAsync($"c{i}");
        (int status, string body) = await _docker.AskAsync("POST", $"/containers/c{PortListeners.Most / Each}/start");
        Assert.Equal(500, status);
        Assert.Contains("listens at 256 ports at once", body, StringComparison.Ordinal);
        await _docker.JsonAsync("POST", "/containers/create?name=more",
            $$"""{"Image":"{{DockerBench.Image}}","HostConfig":{"PortBindings":{"80/tcp":[{{Bindings(Each + 1)}}]} } }""", 400);
    }

    [Fact]
    public void Ports_are_kept_as_text_and_what_is_none_of_the_loopback_is_left_out()
    {
        LocalPort[] ports = [new(80, new IPEndPoint(IPAddress.Loopback, 8080), false), new(81, new IPEndPoint(IPAddress.IPv6Loopback, 9), true)];
        Assert.Equal("127.0.0.1:8080 80,[::1]:9 81 any", LocalPort.Write(ports));
        Assert.Equal(ports, LocalPort.Read(LocalPort.Write(ports)));
        Assert.Empty(LocalPort.Read("0.0.0.0:8080 80,127.0.0.1:0 80,127.0.0.1:8080 0,127.0.0.1:8080,192.0.2.1:8080 80,,127.0.0.1:8080 80 any more,x y"));
    }

    private Task<JsonNode> CreateAsync(string name, string address, int? port) => _docker.JsonAsync("POST", $"/containers/create?name={name}", $$"""
        {"Image":"{{DockerBench.Image}}","HostConfig":{"PortBindings":{"{{_echo.Port}}/tcp":[{"HostIp":"{{address}}","HostPort":"{{port}}"}]} } }
        """, 201);

    private async Task StartAsync(string name) => Assert.Equal((204, ""), await _docker.AskAsync("POST", $"/containers/{name}/start"));

    // Before a container is started, those that have ended lose their ports, and those that run have theirs.
    private async Task LookedAsync()
    {
        await _docker.CreateAsync("other");
        await StartAsync("other");
    }

    private Deployment Deployment(string name) =>
        _docker.Engine.Deployments.Single(d => Notes.TryRead(d.Annotations, out Notes? notes) && notes.Name == name);

    private IReadOnlyList<PublishedPort> Published(string name) => Deployment(name).Workloads.OfType<ZmachineWorkload>().Single().Data.Publish;

    private IReadOnlyList<LocalPort> Local(string name) => Notes.TryRead(Deployment(name).Annotations, out Notes? notes) ? notes.Local : [];

    // The list and the inspection say the same.
    private async Task<string[]> ShownAsync(string name)
    {
        JsonArray ports = (await _docker.JsonAsync("GET", $"/containers/{name}/json"))["NetworkSettings"]!["Ports"]![$"{_echo.Port}/tcp"]!.AsArray();
        string[] shown = [.. ports.Select(p => $"{p!["HostIp"]}:{p["HostPort"]}")];
        JsonNode row = (await _docker.JsonAsync("GET", "/containers/json")).AsArray().Single(c => c!["Names"]![0]!.ToString() == "/" + name)!;
        Assert.Equal(shown, row["Ports"]!.AsArray().Select(p => $"{p!["IP"]}:{p["PublicPort"]}"));
        return shown;
    }

    private static async Task EchoAsync(int port, IPAddress? address = null)
    {
        address ??= IPAddress.Loopback;
        using Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(address, port)).WaitAsync(s_soon);
        using StreamReader reader = new(new NetworkStream(socket));
        await socket.SendAsync("hello"u8.ToArray());
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("hello", await reader.ReadToEndAsync().WaitAsync(s_soon));
    }

    private static async Task<bool> ListensAsync(int port)
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port).WaitAsync(s_soon);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static ForwardListener Take(int port) => ForwardListener.Open(new IPEndPoint(IPAddress.Loopback, port), 1);

    private static int FreePort(IPAddress? address = null)
    {
        using ForwardListener listener = ForwardListener.Open(new IPEndPoint(address ?? IPAddress.Loopback, 0), 1);
        return listener.Local.Port;
    }
}
