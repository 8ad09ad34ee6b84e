using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Tests.Bus;

/// <summary>A node's gate with an owner, two tenants and a stranger before it, and a clock the test moves.</summary>
internal sealed class GateBench : IAuthority
{
    /// <summary>A tenant's command that answers with what was asked.</summary>
    public static readonly Command<DeploymentName, DeploymentName> Echo = new(GetName, BusJson.Default.DeploymentName, BusJson.Default.DeploymentName);

    private readonly TimeProvider _time;
    private bool _holds;

    private const string GetName = "zos.deployment.get";

    public GateBench(TimeProvider? clock = null, bool withCommands = true)
    {
        TimeProvider time = _time = clock ?? Clock;
        Epoch = new EpochClock(time);
        Sealing = new SealingKeys(Node, time);
        Gate = new Gate(Node.Id, this, Routes, Epoch, Seen, Gate.NewStrangerLimit(time), Sealing);
        Outer = NewOuterGate();
        Dispatcher = new Dispatcher(Node, Epoch, line =>
        {
            lock (Log)
                Log.Add(line);
        });
        if (!withCommands)
            return;
        Routes
            .Add(Commands.NodeInfo, Roles.Anyone, _ => Info())
            .Add(Commands.GrantList, Roles.Owner, (_, _, c) => ListAsync(c))
            .Add(Echo, Roles.Tenant, GetAsync)
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, b, _) => Watch(b));
    }

    public ManualClock Clock { get; } = new();

    public IdentityKey Node { get; } = IdentityKey.Generate();

    public IdentityKey Owner { get; } = IdentityKey.Generate();

    public IdentityKey Alice { get; } = IdentityKey.Generate();

    public IdentityKey Mallory { get; } = IdentityKey.Generate();

    public IdentityKey Stranger { get; } = IdentityKey.Generate();

    public EpochClock Epoch { get; }

    public SealingKeys Sealing { get; }

    public MemoryReplayStore Seen { get; } = new();

    public Routes Routes { get; } = new();

    public Gate Gate { get; }

    /// <summary>What a door holds before the gate.</summary>
    public OuterGate Outer { get; }

    public Dispatcher Dispatcher { get; }

    public List<string> Log { get; } = [];

    public List<(string Tenant, string Name)> Ran { get; } = [];

    /// <summary>What everybody is who has no name here.</summary>
    public Roles Everybody { get; init; }

    public Roles RolesOf(string keyId) => keyId == Owner.Id.Text ? Roles.Owner : keyId == Alice.Id.Text || keyId == Mallory.Id.Text ? Roles.Tenant : Everybody;

    public OuterGate NewOuterGate() => new(this, new StrangerLimits(_time), new FailureLimits(_time));

    public IEnumerable<KeyValuePair<string, Roles>> Known =>
        [new(Owner.Id.Text, Roles.Owner), new(Alice.Id.Text, Roles.Tenant), new(Mallory.Id.Text, Roles.Tenant)];

    public event Action? Changed
    {
        add { }
        remove { }
    }

    /// <summary>From now on a deployment "held" is answered only when nobody waits for it any more.</summary>
    public void Hold() => _holds = true;

    /// <summary>Somebody asked for it.</summary>
    public SemaphoreSlim Held { get; } = new(0);

    /// <summary>And nobody waits any more.</summary>
    public SemaphoreSlim Released { get; } = new(0);

    public byte[] SealingKey() => SealingVoucher.Verify(Node.Id, Sealing.Current)!;

    /// <summary>A request as it should be; tests change one thing.</summary>
    public Message Request(IdentityKey from, string command = GetName, string body = """{"name":"shop"}""", SealingKeyPair? reply = null)
    {
        (string epoch, DateTimeOffset now) = Epoch.Read();
        return new Message
        {
            Id = Guid.CreateVersion7(now),
            Kind = MessageKind.Request,
            From = from.Id,
            To = Node.Id.Text,
            Command = command,
            Epoch = epoch,
            ReplyKey = Convert.ToBase64String((reply ?? SealingKeyPair.Generate()).PublicKey),
            Issued = now,
            Expires = now + TimeSpan.FromMinutes(2),
            Body = JsonDocument.Parse(body).RootElement,
        };
    }

    public Message InfoRequest(IdentityKey from) => Request(from, Commands.NodeInfo.Name) with { Epoch = null, ReplyKey = null, Body = null };

    public byte[] Seal(Message message, IdentityKey from) => message.SealAndSign(from, SealingKey())!;

    public Decision Admit(Message message, IdentityKey from) => Gate.Admit(Seal(message, from));

    public async Task<List<byte[]>> AnswerAsync(Decision decision)
    {
        List<byte[]> lines = [];
        await Dispatcher.AnswerAsync(decision, Routes, (line, _) =>
        {
            lines.Add(line.ToArray());
            return ValueTask.CompletedTask;
        }, CancellationToken.None);
        return lines;
    }

    private async Task<GrantList> ListAsync(CancellationToken cancellation)
    {
        if (_holds)
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        return new GrantList { Grants = [] };
    }

    private async Task<DeploymentName> GetAsync(RequestContext context, DeploymentName name, CancellationToken cancellation)
    {
        if (!_holds || name.Name != "held")
            return Get(context, name);
        Held.Release();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }
        finally
        {
            Released.Release();
        }
        return name;
    }

    private DeploymentName Get(RequestContext context, DeploymentName name)
    {
        Ran.Add((context.Tenant, name.Name));
        return name.Name switch
        {
            { Length: > 100 } => throw new BusErrorException(ErrorCodes.NotFound, "nobody has a deployment of that name", "name"),
            "gone" => throw new BusErrorException(ErrorCodes.NotFound, "you have no deployment \"gone\" here", "name"),
            "broken" => throw new InvalidOperationException("a secret of the node"),
            _ => name,
        };
    }

    private static async IAsyncEnumerable<NodeEvent> Watch(EventsWatch watch)
    {
        await Task.Yield();
        for (long n = watch.After + 1; n <= 3; n++)
            yield return new NodeEvent { Number = n, Time = DateTimeOffset.UnixEpoch, Kind = "test" };
    }

    public NodeInfo Info()
    {
        (string epoch, DateTimeOffset now) = Epoch.Read();
        return new NodeInfo
        {
            Id = Node.Id.Text,
            Version = "test",
            ImageDigest = "unknown",
            Tier = "open",
            Features = [],
            SealingKey = Sealing.Current,
            Epoch = epoch,
            Time = now,
        };
    }
}
