using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Node.Doors.Http;

namespace ZeroOS.Node.Bus;

/// <summary>The node's bus put together: identity, epoch, sealing keys, gate, dispatcher, server. Commands, node.info too, are added to <see cref="Routes"/> before <see cref="StartAsync"/>.</summary>
public sealed class NodeBus : IAsyncDisposable
{
    private readonly IdentityKey _identity;
    private readonly Func<NodeDescription> _facts;
    private readonly LockedState? _locked;
    private readonly EpochClock _epoch;
    private readonly SealingKeys _sealing;
    private readonly HttpDoor _door;

    /// <summary>Makes the parts; id, sealing key, epoch and time of node.info are filled in here, the rest are <paramref name="facts"/>; <paramref name="locked"/>: why it is not itself.</summary>
    public NodeBus(IdentityKey identity, IAuthority authority, ISeen seen, Func<NodeDescription> facts, Action<string> log, int port = BusPort.Tcp, LockedState? locked = null)
    {
        (_identity, _facts, _locked) = (identity, facts, locked);
        _epoch = new EpochClock(TimeProvider.System);
        _sealing = new SealingKeys(identity, TimeProvider.System);
        Routes = locked is null ? new Routes() : new Routes { Unknown = Identity.LockedNode.Refusal(locked) };
        AuthorityWithSelf known = new(authority, Asker.Id.Text);
        Gate = new Gate(identity.Id, known, Routes, _epoch, seen, Gate.NewStrangerLimit(TimeProvider.System), _sealing);
        OuterGate outer = new(known, new StrangerLimits(TimeProvider.System), new FailureLimits(TimeProvider.System));
        _door = new HttpDoor(outer, new GateLink(Gate, new Dispatcher(identity, _epoch, log), Routes), port);
    }

    /// <summary>The table of commands.</summary>
    public Routes Routes { get; }

    /// <summary>The gate, for its counters.</summary>
    public Gate Gate { get; }

    /// <summary>The key under which the node asks itself whether it still answers: it has a role, so no stranger takes its place.</summary>
    public IdentityKey Asker { get; } = IdentityKey.Generate();

    /// <summary>The public half of the key requests are sealed to now, base64.</summary>
    public string SealingKey => _sealing.Current.Key;

    /// <summary>The port it listens on.</summary>
    public int Port => _door.Port;

    /// <summary>zos.node.info.</summary>
    public NodeInfo Describe(RequestContext context)
    {
        NodeDescription facts = _facts();
        (string epoch, DateTimeOffset now) = _epoch.Read();
        return new NodeInfo
        {
            Id = _identity.Id.Text,
            Version = facts.Version,
            ImageDigest = facts.ImageDigest,
            Tier = facts.Tier,
            Locked = _locked,
            Features = facts.Features,
            SealingKey = _sealing.Current,
            Epoch = epoch,
            Time = now,
        };
    }

    /// <summary>Listens.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public Task StartAsync(CancellationToken cancellation = default) => _door.StartAsync(cancellation);

    /// <summary>The node's clock was stepped: every message made before is stale now.</summary>
    public void ClockStepped() => _epoch.ClockStepped();

    /// <summary>Stops listening and erases the sealing keys.</summary>
    public async ValueTask DisposeAsync()
    {
        await _door.DisposeAsync();
        _sealing.Dispose();
    }
}

/// <summary>Who is who, and the node's own question beside them.</summary>
internal sealed class AuthorityWithSelf(IAuthority others, string self) : IAuthority
{
    public Roles RolesOf(string keyId) => keyId == self ? Roles.Self : others.RolesOf(keyId);
}

/// <summary>What node.info says of image and computer; the tier is known only once the TPM has answered.</summary>
public sealed record NodeDescription(string Version, string ImageDigest, string Tier, IReadOnlyList<string> Features);
