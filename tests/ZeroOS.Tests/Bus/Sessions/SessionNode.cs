using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Tests.Bus.Sessions;

/// <summary>
/// A node on loopback that a test plays: HTTP written by hand, in front of a real gate. What becomes of an opening is the test's to say; without a word it is
/// admitted, and <see cref="Program"/> is the program behind it.
/// </summary>
internal sealed class SessionNode : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _clients = [];
    private readonly Task _accepting;

    /// <summary>
    /// A node with these commands besides those of sessions; without a word with those of <see cref="GateBench"/>. <paramref name="alone"/>: all but the
    /// opening of sessions are the test's.
    /// </summary>
    public SessionNode(Action<Routes>? commands = null, bool alone = false)
    {
        Gate = new GateBench(withCommands: commands is null && !alone) { Everybody = Roles.Tenant };
        commands?.Invoke(Gate.Routes.Add(Commands.NodeInfo, Roles.Anyone, _ => Gate.Info()));
        Gate.Routes.Add(Commands.SessionOpen, Roles.Tenant, Admit);
        if (!alone)
            Gate.Routes.Add(Commands.DeploymentList, Roles.Tenant, _ => new DeploymentList { Deployments = [] });
        Open = async opening =>
        {
            await using Session session = await opening.AcceptAsync();
            await Program(session);
        };
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public GateBench Gate { get; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>As one types it.</summary>
    public string Address => $"{Gate.Node.Id}@127.0.0.1:{Port}";

    /// <summary>What becomes of an opening.</summary>
    public Func<SessionOpening, Task> Open { get; set; }

    /// <summary>The program's side of a session that was admitted.</summary>
    public Func<Session, Task> Program { get; set; } = session => session.Ended;

    /// <summary>The public key in the answer; null: that of <see cref="Pair"/>.</summary>
    public byte[]? Key { get; set; }

    /// <summary>The node's part in the session that was admitted last.</summary>
    public SessionKeyPair Pair { get; private set; } = new();

    /// <summary>What was admitted last.</summary>
    public SessionOpen? Opened { get; private set; }

    /// <summary>Openings that came, admitted or not.</summary>
    public int Openings { get; private set; }

    /// <summary>Why the node admits no session.</summary>
    public BusErrorException? Refusal { get; set; }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        foreach (TcpClient client in _clients)
            client.Dispose();
        Pair.Dispose();
    }

    private SessionOpened Admit(RequestContext context, SessionOpen body)
    {
        if (Refusal is not null)
            throw Refusal;
        (Pair, Opened) = (new SessionKeyPair(), body);
        return new SessionOpened { Session = "1", Key = Convert.ToBase64String(Key ?? Pair.PublicKey.ToArray()) };
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync();
                client.NoDelay = true;
                _clients.Add(client);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // the test is over
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        NetworkStream wire = client.GetStream();
        while (await ReadRequestAsync(wire) is (string path, byte[] envelope))
        {
            if (path == "/session")
            {
                Openings++;
                await Open(new SessionOpening(this, client.Client, envelope));
                return;
            }
            await AnswerAsync(client.Client, wire, envelope);
        }
    }

    // Piece by piece, as streams that are followed need it; one that is left ends.
    private async Task AnswerAsync(Socket socket, NetworkStream wire, byte[] envelope)
    {
        using CancellationTokenSource left = new();
        await wire.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
        Task watching = Task.Run(async () =>
        {
            // Returns when there is something, or the client has gone. A read of nothing now and then returns for no reason.
            _ = await socket.ReceiveAsync(new byte[1], SocketFlags.Peek);
            await left.CancelAsync();
        });
        try
        {
            await Gate.Dispatcher.AnswerAsync(Gate.Gate.Admit(envelope), Gate.Routes, async (line, cancellation) =>
                await wire.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes($"{line.Length + 1:x}\r\n"), .. line.Span, .. "\n\r\n"u8], cancellation), left.Token);
            await wire.WriteAsync("0\r\n\r\n"u8.ToArray());
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // the client has gone
        }
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task<(string Path, byte[] Body)?> ReadRequestAsync(NetworkStream wire)
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await wire.ReadAsync(one) == 0)
                return null;
            head.Append((char)one[0]);
        }
        string[] lines = head.ToString().Split("\r\n");
        string length = lines.Single(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Split(':')[1];
        byte[] body = new byte[int.Parse(length, CultureInfo.InvariantCulture)];
        await wire.ReadExactlyAsync(body);
        return (lines[0].Split(' ')[1], body);
    }
}
