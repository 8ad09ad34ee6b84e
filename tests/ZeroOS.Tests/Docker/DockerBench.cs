using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Docker;
using ZeroOS.Tests.Bus.Sessions;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Oci.Registry;

using TestImage = ZeroOS.Tests.Images.Store.TestImage;

namespace ZeroOS.Tests.Docker;

/// <summary>Docker's API as zos serves it, over a node and a registry that the test plays; its requests are those of real clients.</summary>
internal sealed class DockerBench : IAsyncDisposable
{
    /// <summary>What the registry has, under every tag; every other repository is empty.</summary>
    public const string Image = "busybox";

    private readonly TemporaryDirectory _work = new();
    private readonly IdentityKey _key = IdentityKey.Generate();
    private readonly TestImage _image = TestImage.Make(1);
    private readonly StandInServer _registry;
    private readonly HttpTransport _transport;
    private readonly Channel<string> _complaints = Channel.CreateUnbounded<string>();
    private CancellationTokenSource _ends = new();
    private Task _running = Task.CompletedTask;

    private DockerBench()
    {
        Node = new SessionNode(alone: true);
        Engine = new PlayedEngine(Node.Gate);
        _registry = new StandInServer(AnswerAsync);
        _transport = new HttpTransport("127.0.0.1", Node.Port, TimeSpan.FromSeconds(10));
    }

    public SessionNode Node { get; }

    public PlayedEngine Engine { get; }

    /// <summary>Where it listens.</summary>
    public string Socket => _work["docker.sock"];

    /// <summary>Every image's digest.</summary>
    public string Digest => _image.Digest.ToString();

    public static async Task<DockerBench> StartAsync()
    {
        DockerBench bench = new();
        await bench.BeginAsync();
        return bench;
    }

    /// <summary>zos docker ends, and another one begins.</summary>
    public async Task BeginAnewAsync()
    {
        await EndAsync();
        _ends = new CancellationTokenSource();
        await BeginAsync();
    }

    /// <summary>The next sentence for whoever runs zos docker.</summary>
    public Task<string> NextComplaintAsync() => _complaints.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>One request as a client of version 1.47 sends it; the answer's status and body.</summary>
    public async Task<(int Status, string Body)> AskAsync(string method, string path, string? body = null, bool prefix = true)
    {
        using StringContent? content = body is null ? null : new(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await SendAsync(new HttpMethod(method), (prefix ? "/v1.47" : "") + path, content);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>One request; its whole answer.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content)
    {
        using HttpClient client = new(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using HttpRequestMessage request = new(method, "http://docker" + path) { Content = content };
        return await client.SendAsync(request).WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>As the first; the answer has to be JSON with this status.</summary>
    public async Task<JsonNode> JsonAsync(string method, string path, string? body = null, int status = 200)
    {
        (int got, string text) = await AskAsync(method, path, body);
        Assert.True(got == status, $"{method} {path}: {got} instead of {status}: {text}");
        return JsonNode.Parse(text)!;
    }

    /// <summary>A container, by docker create's body; its id.</summary>
    public async Task<string> CreateAsync(string name, string more = "", string host = "") =>
        (await JsonAsync("POST", $"/containers/create?name={name}", $$"""
            {"Image":"{{Image}}","Cmd":["run"],"Labels":{"a":"b"}{{more}},
            "HostConfig":{"NetworkMode":"default","RestartPolicy":{"Name":"no","MaximumRetryCount":0}{{host}}} }
            """, 201))["Id"]!.GetValue<string>();

    /// <summary>A request that takes its connection over; the answer's head, and the connection.</summary>
    public async Task<(string Head, NetworkStream Wire)> HijackAsync(string path, string body = "", bool upgrades = true)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
        NetworkStream wire = new(socket, ownsSocket: true);
        string upgrade = upgrades ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "";
        await wire.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"POST /v1.47{path} HTTP/1.1\r\nHost: \r\nContent-Length: {body.Length}\r\n{upgrade}\r\n{body}")));
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await wire.ReadAsync(one).AsTask().WaitAsync(TimeSpan.FromSeconds(60)) > 0)
            head.Append((char)one[0]);
        return (head.ToString(), wire);
    }

    /// <summary>All frames until the connection ends: "1:text" and "2:text".</summary>
    public static async Task<string> FramesAsync(Stream from)
    {
        using MemoryStream all = new();
        await from.CopyToAsync(all).WaitAsync(TimeSpan.FromSeconds(60));
        return Frames(all.ToArray());
    }

    /// <summary>Everything that comes until the connection ends.</summary>
    public static async Task<string> TextAsync(Stream from)
    {
        using StreamReader reader = new(from, leaveOpen: true);
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>All frames of a body.</summary>
    public static string Frames(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new();
        while (!bytes.IsEmpty)
        {
            int length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes[4..8]);
            text.Append(CultureInfo.InvariantCulture, $"{bytes[0]}:{Encoding.UTF8.GetString(bytes.Slice(8, length))}");
            bytes = bytes[(8 + length)..];
        }
        return text.ToString();
    }

    /// <summary>Plays a second program: it is given its begin, and ends with the code that comes back.</summary>
    public void Play(Func<ZeroOS.Bus.Sessions.Session, ExecBegin, Task<int>> program) => Node.Program = async session =>
    {
        ExecBegin begin = JsonSerializer.Deserialize(await session.BegunAsync(), SessionJson.Default.ExecBegin)!;
        int code = await program(session, begin);
        await session.EndAsync(1);
        await session.EndAsync(2);
        await session.ExitAsync(0, code);
        await session.CloseAsync(SessionCloseReason.Done);
    };

    /// <summary>
    /// Plays a machine's own program, joined by a session: it is given how it was joined, and ends with this code; null: it is the session alone that ends.
    /// </summary>
    public void PlayItself(AttachedProgram told, Func<ZeroOS.Bus.Sessions.Session, string, Task> program, int? code = null) => Node.Program = async session =>
    {
        string begin = Encoding.UTF8.GetString(await session.BegunAsync());
        await session.WriteAsync(0, JsonSerializer.SerializeToUtf8Bytes(told, SessionJson.Default.AttachedProgram));
        await session.EndAsync(0);
        await program(session, begin);
        if (code is not { } exit)
            return;
        Engine.End(exit);
        await session.EndAsync(1);
        await session.EndAsync(2);
        await session.ExitAsync(0, exit);
        await session.CloseAsync(SessionCloseReason.Done);
    };

    /// <summary>What a copy was begun with, and what came of one into the machine.</summary>
    public CopyBegin? Begun { get; private set; }

    /// <summary>As above.</summary>
    public byte[] Came { get; private set; } = [];

    /// <summary>Plays copies out of a machine: all of them are this archive.</summary>
    public void Send(byte[] archive) => Node.Program = async session =>
    {
        Begun = JsonSerializer.Deserialize(await session.BegunAsync(), SessionJson.Default.CopyBegin);
        await SendAsync(session, archive);
    };

    /// <summary>Plays copies into a machine, to a path at which this is.</summary>
    public void Take(CopyTarget target) => Node.Program = async session =>
    {
        Begun = JsonSerializer.Deserialize(await session.BegunAsync(), SessionJson.Default.CopyBegin);
        await TakeAsync(session, target);
    };

    /// <summary>One copy out of a machine.</summary>
    public static async Task SendAsync(ZeroOS.Bus.Sessions.Session session, byte[] archive)
    {
        try
        {
            await session.NoteAsync("left out etc/null: it is a device");
            await session.WriteAsync(1, archive);
            await session.EndAsync(1);
            await session.CloseAsync(SessionCloseReason.Done);
        }
        catch (SessionException)
        {
            // the client has seen enough
        }
    }

    /// <summary>One copy into a machine.</summary>
    public async Task TakeAsync(ZeroOS.Bus.Sessions.Session session, CopyTarget target)
    {
        byte[] buffer = new byte[10_000];
        using MemoryStream all = new();
        try
        {
            await session.WriteAsync(1, (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(target, SessionJson.Default.CopyTarget), (byte)'\n']);
            while (await session.ReadAsync(0, buffer) is > 0 and int count)
                all.Write(buffer, 0, count);
            Came = all.ToArray();
            await session.CloseAsync(SessionCloseReason.Done);
        }
        catch (SessionException)
        {
            // the client wants no more
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _transport.Dispose();
        await Node.DisposeAsync();
        _registry.Dispose();
        _key.Dispose();
        _work.Dispose();
    }

    private async Task BeginAsync()
    {
        TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Registries registries = new(new ClientConfig(), [$"demo={_registry.Url}"]);
        DockerServer server = new(Socket, () => new NodeClient(new BusClient(_key, Node.Gate.Node.Id, _transport, TimeProvider.System)), registries, "n1",
            sentence => _complaints.Writer.TryWrite(sentence));
        _running = RunAsync(server, ready.SetResult);
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private async Task EndAsync()
    {
        await _ends.CancelAsync();
        await Task.WhenAny(_running, Task.Delay(TimeSpan.FromSeconds(60)));
        Assert.True(_running.IsCompleted, "zos docker does not end");
        await _running;
        _ends.Dispose();
    }

    // As zos does it: when it cannot go on, whoever waits for an answer gets none.
    private async Task RunAsync(DockerServer server, Action ready)
    {
        await using (server)
        {
            try
            {
                await server.RunAsync(ready, _ends.Token);
            }
            catch (OperationCanceledException) when (_ends.IsCancellationRequested)
            {
                // the test is over
            }
        }
    }

    private async Task AnswerAsync(System.Net.HttpListenerRequest request, System.Net.HttpListenerResponse response)
    {
        string path = request.Url!.AbsolutePath;
        byte[]? bytes = path.StartsWith($"/v2/library/{Image}/manifests/", StringComparison.Ordinal) ? _image.ManifestBytes
            : path.Contains("/blobs/", StringComparison.Ordinal) ? _image.Config : null;
        response.StatusCode = bytes is null ? 404 : 200;
        if (bytes is not null)
            await response.OutputStream.WriteAsync(bytes);
    }
}
