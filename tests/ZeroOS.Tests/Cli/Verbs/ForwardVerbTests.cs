using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

using Xunit;

using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;
using ZeroOS.Client.Forwarding;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Tests.Guest.Sessions;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos forward as a person runs it, down to programs that listen.</summary>
[Collection("zos")]
public sealed class ForwardVerbTests : IAsyncLifetime
{
    private readonly ForwardBench _bench = new();

    public async Task InitializeAsync() => (await ZosRun.OfAsync(_bench.Work.Path, "key", "new")).Ended(0);

    public async Task DisposeAsync() => await _bench.DisposeAsync();

    [Fact]
    public async Task Connections_go_through_at_once_both_ways_with_their_ends_until_the_machine_ends()
    {
        using PlayedService echo = PlayedService.Echo();
        IPEndPoint[] local = await _bench.StartAsync($"0:{echo.Port}");
        Assert.Equal(IPAddress.Loopback, Assert.Single(local).Address);
        Assert.Equal((SessionKinds.Forward, "shop", "web"), (_bench.Node.Opened!.Kind, _bench.Node.Opened.Deployment, _bench.Node.Opened.Machine));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            using Socket connection = await ForwardBench.ConnectAsync(local[0]);
            byte[] data = RandomNumberGenerator.GetBytes(200_003);
            Task send = SendAsync(connection, data);
            Assert.Equal(data, await AllAsync(connection));
            await send;
        })).WaitAsync(ForwardBench.Soon);
        Assert.Equal(1, _bench.Node.Openings);
        Assert.Equal(CliException.Refused, await _bench.EndMachineAsync());
        Assert.Equal("zos: the machine ended", await _bench.NextLineAsync());
    }

    [Fact]
    public async Task Program_that_ends_first_ends_the_local_direction_alone()
    {
        string came = "";
        using PlayedService service = new(connection =>
        {
            PlayedService.SendAll(connection, "hello"u8);
            connection.Shutdown(SocketShutdown.Send);
            byte[] some = new byte[100];
            while (connection.Receive(some) is > 0 and int count)
                came += System.Text.Encoding.ASCII.GetString(some, 0, count);
        });
        IPEndPoint[] local = await _bench.StartAsync($"0:{service.Port}");
        using Socket connection = await ForwardBench.ConnectAsync(local[0]);
        Assert.Equal("hello"u8.ToArray(), await AllAsync(connection).WaitAsync(ForwardBench.Soon));
        await SendAsync(connection, "late"u8.ToArray());
        Assert.Equal("end", await Task.Run(service.NextEnd));
        Assert.Equal("late", came);
    }

    [Fact]
    public async Task Port_at_which_nothing_listens_is_a_line_and_a_broken_connection_and_others_go_on()
    {
        using HeldPort held = new();
        using PlayedService echo = PlayedService.Echo();
        IPEndPoint[] local = await _bench.StartAsync($"0:{held.Number}", $"0:{echo.Port}");
        // It may break before connect has returned.
        Task broken = Assert.ThrowsAsync<SocketException>(async () =>
        {
            using Socket refused = await ForwardBench.ConnectAsync(local[0]);
            await AllAsync(refused).WaitAsync(ForwardBench.Soon);
        });
        Assert.Equal($"zos: {local[0]}: nothing listens at port {held.Number} in the machine", await _bench.NextLineAsync());
        await broken;
        using Socket connection = await ForwardBench.ConnectAsync(local[1]);
        await SendAsync(connection, "x"u8.ToArray());
        Assert.Equal("x"u8.ToArray(), await AllAsync(connection).WaitAsync(ForwardBench.Soon));
    }

    [Fact]
    public async Task Connection_that_breaks_here_breaks_there_and_the_other_way_round()
    {
        using PlayedService echo = PlayedService.Echo();
        using PlayedService breaks = new(connection =>
        {
            connection.Receive(new byte[1]);
            connection.LingerState = new LingerOption(true, 0);
        });
        IPEndPoint[] local = await _bench.StartAsync($"0:{echo.Port}", $"0:{breaks.Port}");
        using (Socket connection = await ForwardBench.ConnectAsync(local[0]))
        {
            await connection.SendAsync("x"u8.ToArray());
            Assert.Equal(1, await connection.ReceiveAsync(new byte[1]).WaitAsync(ForwardBench.Soon));
            connection.LingerState = new LingerOption(true, 0);
        }
        Assert.Equal("ConnectionReset", await Task.Run(echo.NextEnd));
        using Socket other = await ForwardBench.ConnectAsync(local[1]);
        await other.SendAsync("x"u8.ToArray());
        await Assert.ThrowsAsync<SocketException>(() => AllAsync(other).WaitAsync(ForwardBench.Soon));
    }

    [Fact]
    public async Task Connection_beyond_the_most_waits_until_another_ends()
    {
        using PlayedService echo = PlayedService.Echo();
        IPEndPoint[] local = await _bench.StartAsync($"0:{echo.Port}");
        List<Socket> connections = [];
        for (int i = 0; i < PortForwarder.Most; i++)
        {
            connections.Add(await ForwardBench.ConnectAsync(local[0]));
            await connections[^1].SendAsync("x"u8.ToArray());
            Assert.Equal(1, await connections[^1].ReceiveAsync(new byte[1]).WaitAsync(ForwardBench.Soon));
        }
        using Socket more = await ForwardBench.ConnectAsync(local[0]);
        await more.SendAsync("y"u8.ToArray());
        Task<int> answer = more.ReceiveAsync(new byte[1]);
        // One that is carried is answered meanwhile, and this one is not.
        await connections[1].SendAsync("z"u8.ToArray());
        Assert.Equal(1, await connections[1].ReceiveAsync(new byte[1]).WaitAsync(ForwardBench.Soon));
        Assert.False(answer.IsCompleted);
        connections[0].Dispose();
        Assert.Equal(1, await answer.WaitAsync(ForwardBench.Soon));
        connections.ForEach(c => c.Dispose());
    }

    [Fact]
    public async Task Session_that_the_machine_refuses_is_1_and_its_sentence()
    {
        _bench.Node.Open = async opening =>
        {
            await using ZeroOS.Bus.Sessions.Session session = await opening.AcceptAsync();
            await session.BegunAsync();
            await session.CloseAsync(SessionCloseReason.Refused, "the machine knows no session of kind\e forward");
        };
        ZosRun run = (await ForwardAsync("shop/web", "0:80")).Ended(CliException.Refused);
        Assert.EndsWith("zos: the machine knows no session of kind? forward\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Time_that_is_over_is_1_and_the_node_is_told()
    {
        TaskCompletionSource<ZeroOS.Bus.Sessions.SessionException> end = new();
        _bench.Node.Open = async opening =>
        {
            await using ZeroOS.Bus.Sessions.Session session = await opening.AcceptAsync();
            end.SetResult(await session.Ended);
        };
        ZosRun run = (await ForwardAsync("--timeout", "3", "shop/web", "0:80")).Ended(CliException.Refused);
        Assert.EndsWith("zos: the time given is over\n", run.Error, StringComparison.Ordinal);
        Assert.Equal(SessionCloseReason.Cancelled, (await end.Task.WaitAsync(ForwardBench.Soon)).Reason);
    }

    [Fact]
    public async Task Port_that_is_taken_here_is_said_before_anything_is_asked()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        ZosRun run = (await ForwardAsync("shop/web", $"{port}:80")).Ended(CliException.Refused);
        Assert.Equal($"zos: port {port} is taken on 127.0.0.1; choose another as LOCAL:80, or 0:80 for any that is free\n", run.Error);
        Assert.Contains("203.0.113.9 is no address of this computer",
            (await ForwardAsync("--address", "203.0.113.9", "shop/web", "0:80")).Ended(CliException.Refused).Error, StringComparison.Ordinal);
        Assert.Equal(0, _bench.Node.Openings);
    }

    [Theory]
    [InlineData("shop/web")]
    [InlineData("shop/web", "0")]
    [InlineData("shop/web", "65536")]
    [InlineData("shop/web", "-1")]
    [InlineData("shop/web", "80:")]
    [InlineData("shop/web", ":80")]
    [InlineData("shop/web", "8080:0")]
    [InlineData("shop/web", "65536:80")]
    [InlineData("shop/web", "1:2:3")]
    [InlineData("shop/web", " 80")]
    [InlineData("shop/web", "http")]
    [InlineData("shop/web", "8080:80", "8080")]
    [InlineData("--address", "nowhere", "shop/web", "0:80")]
    public async Task Wrong_words_are_2_before_anything_is_asked(params string[] words)
    {
        (await ForwardAsync(words)).Ended(CliException.Usage);
        Assert.Equal(0, _bench.Node.Openings);
    }

    [Fact]
    public void Ports_are_read_as_they_are_typed()
    {
        Assert.Equal([new ForwardPort(80, 80), new ForwardPort(8080, 80), new ForwardPort(0, 65535), new ForwardPort(0, 1)],
            ForwardPort.ParseAll(["80", "8080:80", "0:65535", "0:1"]));
        Assert.Contains("8080 is there twice", Assert.Throws<CliException>(() => ForwardPort.ParseAll(["8080:1", "8080:2"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Address_is_the_one_that_is_asked_for()
    {
        using PlayedService echo = PlayedService.Echo();
        IPEndPoint[] local = await _bench.StartAsync("--address", "127.0.0.2", $"0:{echo.Port}");
        Assert.Equal("127.0.0.2", Assert.Single(local).Address.ToString());
        using Socket connection = await ForwardBench.ConnectAsync(local[0]);
        await SendAsync(connection, "x"u8.ToArray());
        Assert.Equal("x"u8.ToArray(), await AllAsync(connection).WaitAsync(ForwardBench.Soon));
    }

    private static async Task SendAsync(Socket connection, byte[] data)
    {
        for (int sent = 0; sent < data.Length;)
            sent += await connection.SendAsync(data.AsMemory(sent));
        connection.Shutdown(SocketShutdown.Send);
    }

    private static async Task<byte[]> AllAsync(Socket connection)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[10_000];
        while (await connection.ReceiveAsync(buffer) is > 0 and int count)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }

    private Task<ZosRun> ForwardAsync(params string[] words) =>
        ZosRun.OfAsync(_bench.Work.Path, ["forward", "--node", _bench.Node.Address, .. words]).WaitAsync(TimeSpan.FromSeconds(60));
}
