using System.Net;
using System.Net.Sockets;
using System.Text;

using Xunit;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Node.Bus;

namespace ZeroOS.Tests.Bus;

/// <summary>The direct transport over a real socket on loopback.</summary>
public sealed class BusServerTests : IAsyncLifetime
{
    private const int MaxConnections = 4;

    private readonly GateBench _bench = new(TimeProvider.System);
    private readonly BusServer _server;

    public BusServerTests() => _server = new BusServer(_bench.Gate, _bench.Dispatcher, _bench.Routes, port: 0, MaxConnections);

    public Task InitializeAsync() => _server.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_call_and_a_stream_go_over_http()
    {
        using HttpTransport transport = new("127.0.0.1", _server.Port, TimeSpan.FromSeconds(10));
        BusClient client = new(_bench.Alice, _bench.Node.Id, transport, TimeProvider.System);
        DeploymentName reply = await client.CallAsync(Commands.DeploymentGet, new DeploymentName { Name = "shop" }, BusJson.Default.DeploymentName,
            BusJson.Default.DeploymentName, CancellationToken.None);
        Assert.Equal("shop", reply.Name);
        int events = 0;
        await foreach (NodeEvent e in client.StreamAsync(Commands.EventsWatch, new EventsWatch(), BusJson.Default.EventsWatch, BusJson.Default.NodeEvent, CancellationToken.None))
            events += (int)(e.Number / e.Number);
        Assert.Equal(3, events);
    }

    [Theory]
    [InlineData("GET", "/bus", "", 404)]
    [InlineData("POST", "/", "{}", 404)]
    [InlineData("POST", "/bus/", "{}", 404)]
    [InlineData("POST", "/bus", "{}", 400)]
    [InlineData("POST", "/bus", "", 400)]
    public async Task Anything_but_an_envelope_gets_a_bare_status(string method, string path, string body, int status)
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(new HttpMethod(method), $"http://127.0.0.1:{_server.Port}{path}");
        if (method == "POST")
            request.Content = new StringContent(body);
        using HttpResponseMessage response = await http.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_body_over_a_mebibyte_is_413_said_by_its_length_or_by_its_bytes()
    {
        using HttpClient http = new();
        string url = $"http://127.0.0.1:{_server.Port}/bus";
        using HttpResponseMessage declared = await http.PostAsync(url, new ByteArrayContent(new byte[Gate.MaxBytes + 1]));
        Assert.Equal(413, (int)declared.StatusCode);
        string answer = await RawAsync("POST /bus HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n" + Chunks(Gate.MaxBytes + 1));
        Assert.StartsWith("HTTP/1.1 413", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_over_eight_kibibytes_are_refused()
    {
        string answer = await RawAsync($"POST /bus HTTP/1.1\r\nHost: n\r\nX: {new string('x', 9000)}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 431", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_connections_cannot_keep_a_tenant_out()
    {
        List<TcpClient> idle = [];
        for (int i = 0; i < MaxConnections * 3; i++)
        {
            TcpClient connection = new();
            await connection.ConnectAsync(IPAddress.Loopback, _server.Port);
            idle.Add(connection);
        }
        using HttpTransport transport = new("127.0.0.1", _server.Port, TimeSpan.FromSeconds(10));
        BusClient client = new(_bench.Alice, _bench.Node.Id, transport, TimeProvider.System);
        Assert.Equal(_bench.Node.Id.Text, (await AskAsync(client)).Id);

        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        Assert.Equal(0, await idle[0].GetStream().ReadAsync(new byte[1], deadline.Token).AsTask().ContinueWith(t => t.IsCompletedSuccessfully ? t.Result : 0));
        idle.ForEach(c => c.Dispose());
    }

    /// <summary>Connections enter the table as threads come to them: one made before ours may count as younger and take our place, so a client asks again.</summary>
    private static async Task<NodeInfo> AskAsync(BusClient client)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await client.InfoAsync(CancellationToken.None);
            }
            catch (BusTransportException) when (attempt < 5)
            {
                // cut before it was ours
            }
        }
    }

    [Fact]
    public async Task What_is_no_node_and_nobody_there_are_told_apart()
    {
        using HttpTransport nobody = new("127.0.0.1", 1, TimeSpan.FromSeconds(5));
        BusClient client = new(_bench.Alice, _bench.Node.Id, nobody, TimeProvider.System);
        BusTransportException e = await Assert.ThrowsAsync<BusTransportException>(() => client.InfoAsync(CancellationToken.None));
        Assert.Contains("127.0.0.1:1", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, e.Status);
    }

    [Fact]
    public async Task A_nodes_bus_answers_node_info_and_denies_everything_without_farm_settings()
    {
        await using NodeBus bus = new(_bench.Node, new NobodyKnown(), new MemorySeen(), () => new NodeDescription("0.1.0", "unknown", "open", []), _ => { }, port: 0);
        bus.Routes.Add(Commands.GrantList, Roles.Owner, BusJson.Default.Nothing, BusJson.Default.GrantList, (_, _, _) => Task.FromResult(new GrantList { Grants = [] }));
        await bus.StartAsync();
        using HttpTransport transport = new("127.0.0.1", bus.Port, TimeSpan.FromSeconds(10));
        BusClient client = new(_bench.Owner, _bench.Node.Id, transport, TimeProvider.System);
        Assert.Equal("open", (await client.InfoAsync(CancellationToken.None)).Tier);
        BusErrorException e = await Assert.ThrowsAsync<BusErrorException>(() => client.CallAsync(Commands.GrantList, new Nothing(), BusJson.Default.Nothing,
            BusJson.Default.GrantList, CancellationToken.None));
        Assert.Equal(ErrorCodes.Denied, e.Error.Code);
        Assert.Equal(1, bus.Gate.Counters.Refused);
    }

    private async Task<string> RawAsync(string request)
    {
        using TcpClient tcp = new();
        await tcp.ConnectAsync(IPAddress.Loopback, _server.Port);
        NetworkStream stream = tcp.GetStream();
        Task write = stream.WriteAsync(Encoding.ASCII.GetBytes(request)).AsTask();
        byte[] answer = new byte[64];
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        int read = await stream.ReadAtLeastAsync(answer, 12, throwOnEndOfStream: false, deadline.Token);
        await Task.WhenAny(write, Task.Delay(0, CancellationToken.None));
        return Encoding.ASCII.GetString(answer, 0, read);
    }

    private static string Chunks(int bytes)
    {
        string chunk = $"10000\r\n{new string('x', 0x10000)}\r\n";
        return string.Concat(Enumerable.Repeat(chunk, (bytes / 0x10000) + 1)) + "0\r\n\r\n";
    }

    private sealed class NobodyKnown : IAuthority
    {
        public Roles RolesOf(KeyId key) => Roles.None;
    }
}
