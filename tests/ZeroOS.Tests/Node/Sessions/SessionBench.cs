using System.Net;
using System.Net.Sockets;
using System.Text.Json;

using Xunit;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Serving;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Host.Loops;
using ZeroOS.Node.Sessions;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Sessions;

/// <summary>A node's sessions behind a real gate. The test is client and guest; every connection is one of loopback.</summary>
internal sealed class SessionBench : IDisposable
{
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly ClientLoop _loop = new("guests", LineLog.Quiet);
    private readonly List<TestGuest> _guests = [];
    private readonly List<IDisposable> _ours = [];
    private readonly Dictionary<IdentityKey, (Decision, byte[])> _asked = [];

    public SessionBench(Roles everybody = Roles.None)
    {
        Gate = NewGate(everybody);
        Find = (_, _) => ConnectAsync;
        SessionServices services = new(Gate.Node, Gate.Epoch, FindAndNote, tenant => MayGoOn(tenant), new LineLog(Log.Add));
        Server = new SessionServer(services with { Time = Gate.Clock });

        Func<CancellationToken, Task<Stream>> FindAndNote(RequestContext context, SessionOpen open)
        {
            AskedFor.Add((context.Tenant, open));
            return Find(context, open);
        }
    }

    public GateBench Gate { get; }

    public SessionServer Server { get; }

    public List<string> Log { get; } = [];

    public List<(string Tenant, SessionOpen Open)> AskedFor { get; } = [];

    /// <summary>How the guest is found; by default it is there.</summary>
    public Func<RequestContext, SessionOpen, Func<CancellationToken, Task<Stream>>> Find { get; set; }

    public Func<string, bool> MayGoOn { get; set; } = _ => true;

    /// <summary>The guest is never dialled: nobody need wait for it.</summary>
    public bool Unreachable { get; set; }

    /// <summary>How often the guest was dialled.</summary>
    public int Connects { get; private set; }

    public static GateBench NewGate(Roles everybody)
    {
        GateBench gate = new() { Everybody = everybody };
        gate.Routes.Add(Commands.SessionOpen, Roles.Tenant, (_, _) => throw new NotSupportedException());
        return gate;
    }

    /// <summary>An opening as a client sends it, decided about by the gate.</summary>
    public static (Decision Decision, byte[] Envelope) Ask(GateBench gate, IdentityKey from, byte[] key, SealingKeyPair? reply = null)
    {
        SessionOpen open = new() { Kind = SessionKinds.Exec, Deployment = "shop", Machine = "web", Key = Convert.ToBase64String(key) };
        string body = JsonSerializer.Serialize(open, BusJson.Default.SessionOpen);
        byte[] envelope = gate.Seal(gate.Request(from, Commands.SessionOpen.Name, body, reply), from);
        Decision decision = gate.Gate.Admit(envelope);
        Assert.True(decision.Admitted);
        return (decision, envelope);
    }

    /// <summary>An opening, and nothing done with it. One message of a sender has to do: whether it is new is the gate's to say.</summary>
    public async Task<PreparedSession> PrepareAsync(IdentityKey? from = null, byte[]? key = null, GateBench? gate = null)
    {
        using SessionKeyPair pair = new();
        from ??= Gate.Alice;
        if (key is not null || !_asked.TryGetValue(from, out (Decision Decision, byte[] Envelope) asked))
            _asked[from] = asked = Ask(gate ?? Gate, from, key ?? pair.PublicKey.ToArray(), s_reply);
        return await Server.OpenAsync(asked.Decision, asked.Envelope, default);
    }

    /// <summary>What a refusal says.</summary>
    public static BusError Refusal(PreparedSession refused)
    {
        Assert.False(refused.IsOpen);
        Assert.True(Envelope.TryRead(refused.Answer.Span, out Envelope? envelope) && envelope.EverySignatureVerifies());
        return Read(envelope, s_reply).Error!;
    }

    /// <summary>Opens a session and has its connection; nothing is begun.</summary>
    public async Task<TestClient> OpenAsync(Action<Socket>? tune = null, IdentityKey? from = null)
    {
        SessionKeyPair pair = new();
        (Decision decision, byte[] envelope) = Ask(Gate, from ?? Gate.Alice, pair.PublicKey.ToArray(), s_reply);
        PreparedSession prepared = await Server.OpenAsync(decision, envelope, default);
        Assert.True(prepared.IsOpen);
        (Socket client, Socket node) = await PairAsync();
        tune?.Invoke(client);
        tune?.Invoke(node);
        prepared.Run(node);
        lock (_guests)
            _ours.Add(client);
        return await TestClient.GreetAsync(client, pair, envelope);
    }

    /// <summary>The guest's end of the connection that was made last.</summary>
    public TestGuest Guest()
    {
        lock (_guests)
            return _guests[^1];
    }

    public async Task<Stream> ConnectAsync(CancellationToken cancellation)
    {
        (Socket guest, Socket node) = await PairAsync();
        node.ReceiveBufferSize = node.SendBufferSize = 64 << 10;
        guest.ReceiveTimeout = guest.SendTimeout = (int)Soon.TotalMilliseconds;
        lock (_guests)
        {
            _ours.Add(guest);
            _guests.Add(new TestGuest(guest));
            Connects++;
        }
        return new LoopStream(_loop, node);
    }

    /// <summary>Waits until so many sessions are left.</summary>
    public void AssertLeft(int count) => Assert.True(SpinWait.SpinUntil(() => Server.Count == count, Soon), $"{Server.Count} sessions are left");

    public void Dispose()
    {
        _ours.ForEach(o => o.Dispose());
        Server.Dispose();
        _loop.Dispose();
    }

    private static readonly SealingKeyPair s_reply = SealingKeyPair.Generate();

    internal static Message Read(Envelope envelope, SealingKeyPair reply)
    {
        Assert.True(Message.TryRead(envelope, out Message? message, ZeroOS.Bus.Json.Numbers.Any));
        return message.Sealed is not null && reply.TryOpen(message.Sealed) is { } plain
            && message.TryUnseal(plain, out Message? opened, ZeroOS.Bus.Json.Numbers.Any) ? opened : throw new InvalidDataException("not sealed to the asker");
    }

    internal static SessionOpened Opened(Envelope envelope) =>
        Read(envelope, s_reply).Body!.Value.Deserialize(BusJson.Default.SessionOpened)!;

    private static async Task<(Socket Ours, Socket Nodes)> PairAsync()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        Socket dialled = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await dialled.ConnectAsync(listener.LocalEndPoint!);
        return (dialled, await listener.AcceptAsync());
    }
}
