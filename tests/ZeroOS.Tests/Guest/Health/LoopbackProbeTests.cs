using System.Net;
using System.Net.Sockets;
using System.Text;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Guest.Health;

namespace ZeroOS.Tests.Guest.Health;

/// <summary>Probes by HTTP and TCP, against a service that the test plays.</summary>
public sealed class LoopbackProbeTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public LoopbackProbeTests() => _listener.Start();

    public void Dispose() => _listener.Dispose();

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", null, 0, "HTTP/1.1 200 OK")]
    [InlineData("HTTP/1.0 302 Found\r\n\r\n", null, 0, "HTTP/1.0 302 Found")]
    [InlineData("HTTP/1.1 200\n", null, 0, "HTTP/1.1 200")]
    [InlineData("HTTP/1.1 503 Busy\r\n\r\n", null, 1, "HTTP/1.1 503 Busy")]
    [InlineData("HTTP/1.1 503 Busy\r\n\r\n", 503, 0, "HTTP/1.1 503 Busy")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", 204, 1, "HTTP/1.1 200 OK")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n", null, 1, "what answers does not speak HTTP: SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\n", null, 1, "what answers does not speak HTTP: HTTP/1.1 2000 OK\r\n")]
    [InlineData("HTTP/1.1 2", null, 1, "the connection ended before an answer came")]
    [InlineData("", null, 1, "the connection ended before an answer came")]
    public async Task Status_line_is_the_answer(string answer, int? wanted, int code, string said)
    {
        Task<string> served = ServeAsync(answer);
        ProbeOutcome outcome = await Task.Run(() => new HttpProbe(new HttpCheck { Port = Port, Path = "/up?x=1", Status = wanted }).Ask(In(20_000)));
        Assert.Equal((code, said), (outcome.ExitCode, Encoding.UTF8.GetString(outcome.Output)));
        Assert.StartsWith($"GET /up?x=1 HTTP/1.1\r\nHost: localhost:{Port}\r\n", await served, StringComparison.Ordinal);
    }

    [Fact]
    public void Service_that_says_nothing_is_not_waited_for_beyond_the_time()
    {
        ProbeOutcome outcome = new HttpProbe(new HttpCheck { Port = Port }).Ask(In(50));
        Assert.Equal((-1, "the answer took too long"), (outcome.ExitCode, Encoding.UTF8.GetString(outcome.Output)));
    }

    [Fact]
    public async Task First_line_without_an_end_is_read_no_further_than_a_kibibyte()
    {
        Task<string> served = ServeAsync(new string('x', 100_000));
        ProbeOutcome outcome = await Task.Run(() => new HttpProbe(new HttpCheck { Port = Port }).Ask(In(20_000)));
        Assert.Equal(1, outcome.ExitCode);
        Assert.InRange(outcome.Output.Length, 1024, 1100);
        await served;
    }

    [Fact]
    public void Port_that_takes_connections_is_well_and_one_where_nobody_listens_is_not()
    {
        Assert.Equal(0, new TcpProbe(new TcpCheck { Port = Port }).Ask(In(20_000)).ExitCode);
        int port = Port;
        _listener.Stop();
        ProbeOutcome outcome = new TcpProbe(new TcpCheck { Port = port }).Ask(In(20_000));
        Assert.Equal((1, $"nothing listens at port {port}"), (outcome.ExitCode, Encoding.UTF8.GetString(outcome.Output)));
    }

    private static long In(int ms) => Environment.TickCount64 + ms;

    private async Task<string> ServeAsync(string answer)
    {
        using TcpClient client = await _listener.AcceptTcpClientAsync();
        byte[] request = new byte[4096];
        int length = 0;
        while (!Encoding.ASCII.GetString(request, 0, length).EndsWith("\r\n\r\n", StringComparison.Ordinal)
            && await client.GetStream().ReadAsync(request.AsMemory(length)) is > 0 and int count)
            length += count;
        try
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer));
        }
        catch (IOException)
        {
            // it has read enough
        }
        return Encoding.ASCII.GetString(request, 0, length);
    }
}
