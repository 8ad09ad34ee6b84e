using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// QEMU's monitor (QMP): what a hand at the machine could do. Press keys and the power button, look at the screen, pull a network cable. QEMU serves one client
/// at a time.
/// </summary>
internal sealed class Qmp : IAsyncDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);
    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly NetworkStream _stream;
    private Task<string?>? _line;
    private int _asked;

    private Qmp(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket);
        _reader = new StreamReader(_stream, Encoding.UTF8);
    }

    /// <summary>Connects as soon as QEMU listens.</summary>
    public static async Task<Qmp> Connect(string path)
    {
        Socket socket = await Eventually.Get($"QEMU's monitor at {path}", s_deadline, async () =>
        {
            Socket attempt = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await attempt.ConnectAsync(new UnixDomainSocketEndPoint(path));
                return attempt;
            }
            catch (SocketException e)
            {
                attempt.Dispose();
                throw new IOException(e.Message, e);
            }
        });
        Qmp qmp = new(socket);
        await qmp.Line(); // the greeting
        await qmp.Run("qmp_capabilities");
        return qmp;
    }

    /// <summary>Runs one command; its answer, or an exception with QEMU's words.</summary>
    public async Task<JsonNode?> Run(string command, JsonObject? arguments = null)
    {
        int id = ++_asked;
        JsonObject request = new() { ["execute"] = command, ["id"] = id };
        if (arguments is not null)
            request["arguments"] = arguments;
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(request.ToJsonString() + "\n"));
        while (true)
        {
            JsonNode answer = await Line();
            if (answer["id"]?.GetValue<int>() != id)
                continue; // an event, or the late answer to what was given up
            return answer["error"] is JsonNode error ? throw new InvalidOperationException($"QEMU, {command}: {error["desc"]}") : answer["return"];
        }
    }

    /// <summary>The screen as a portable pixmap (P6, binary, 3 bytes a pixel) in a file; the node needs --screen.</summary>
    public Task Screendump(string file) => Run("screendump", new JsonObject { ["filename"] = file });

    /// <summary>Presses keys together and lets them go, by QEMU's names: "alt", "f2".</summary>
    public Task SendKeys(params string[] keys) =>
        Run("send-key", new JsonObject { ["keys"] = new JsonArray([.. keys.Select(k => new JsonObject { ["type"] = "qcode", ["data"] = k })]) });

    /// <summary>Plugs the cable of a card (nic0, nic1, …) in, or pulls it.</summary>
    public Task SetLink(string card, bool up) => Run("set_link", new JsonObject { ["name"] = card, ["up"] = up });

    /// <summary>Where each processor is, a line each: its instruction pointer (EIP in firmware), its flags, and HLT=1 when it waits for an interrupt.</summary>
    public async Task<string> Processors() => string.Join('\n',
        (await Run("human-monitor-command", new JsonObject { ["command-line"] = "info registers -a" }))!.GetValue<string>().Split('\n')
            .Where(l => l.Length > 4 && l[1..4] == "IP=").Select(l => l.Trim()));

    /// <summary>Presses the power button shortly.</summary>
    public Task PowerButton() => Run("system_powerdown");

    /// <summary>Closes the connection; the machine goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        await _stream.DisposeAsync();
        _socket.Dispose();
    }

    private async Task<JsonNode> Line()
    {
        _line ??= _reader.ReadLineAsync(); // goes on when nobody waits for it any more, and is then the next one's
        try
        {
            string line = await _line.WaitAsync(s_deadline) ?? throw new IOException("QEMU closed its monitor");
            _line = null;
            return JsonNode.Parse(line) ?? throw new IOException($"QEMU's monitor said {line}");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"QEMU's monitor did not answer within {s_deadline.TotalSeconds} s", e);
        }
    }
}
