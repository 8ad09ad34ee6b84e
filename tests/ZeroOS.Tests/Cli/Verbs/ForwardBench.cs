using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

using Xunit;

using ZeroOS.Cli;
using ZeroOS.Cli.Output;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Guest.Sessions;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos forward that goes on, a node's own relay and a guest's own sessions, all in this process; programs that listen are the test's.</summary>
internal sealed class ForwardBench : IAsyncDisposable
{
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly RelayedGuest _guest;
    private readonly Lines _error = new();
    private Task<int>? _run;

    public ForwardBench() => _guest = new RelayedGuest(Node);

    public SessionNode Node { get; } = new();

    public TemporaryDirectory Work { get; } = new();

    /// <summary>Begins, and returns where it listens, in the order of the ports.</summary>
    public async Task<IPEndPoint[]> StartAsync(params string[] ports)
    {
        Terminal terminal = new(TextWriter.Null, _error, Stream.Null, Stream.Null, interactive: false, _ => null);
        _run = Task.Run(() => CommandLine.RunAsync(["forward", "--node", Node.Address, "shop/web", .. ports], terminal));
        List<IPEndPoint> local = [];
        foreach (string port in ports.Where(p => p != "--address" && !IPAddress.TryParse(p, out _)))
        {
            string line = await NextLineAsync();
            Assert.EndsWith($" -> web:{port.Split(':')[^1]}", line, StringComparison.Ordinal);
            local.Add(IPEndPoint.Parse(line.Split(' ')[0]));
        }
        return [.. local];
    }

    /// <summary>The next line that zos writes for people.</summary>
    public async Task<string> NextLineAsync() => await _error.Written.ReadAsync().AsTask().WaitAsync(Soon);

    public static async Task<Socket> ConnectAsync(IPEndPoint to)
    {
        Socket socket = new(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(to).WaitAsync(Soon);
        return socket;
    }

    /// <summary>The machine ends, and with it zos; its exit code.</summary>
    public async Task<int> EndMachineAsync()
    {
        _guest.End();
        return await _run!.WaitAsync(Soon);
    }

    public async ValueTask DisposeAsync()
    {
        if (_run is { IsCompleted: false })
            await EndMachineAsync();
        await Node.DisposeAsync();
        _guest.Dispose();
        Work.Dispose();
    }

    /// <summary>Lines as they are written.</summary>
    private sealed class Lines : TextWriter
    {
        private readonly Channel<string> _written = Channel.CreateUnbounded<string>();

        public override Encoding Encoding => Encoding.UTF8;

        public ChannelReader<string> Written => _written.Reader;

        public override void WriteLine(string? value) => _written.Writer.TryWrite(value ?? "");
    }
}
