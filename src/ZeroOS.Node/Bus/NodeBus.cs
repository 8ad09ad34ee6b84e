using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Linux;
using ZeroOS.Node.Sessions;

namespace ZeroOS.Node.Bus;

/// <summary>
/// The node's bus put together: identity, epoch, sealing keys, gate, dispatcher, and the link to the door. Commands, node.info too, are added to
/// <see cref="Routes"/> before <see cref="Attach"/>.
/// </summary>
public sealed class NodeBus : IDisposable
{
    private readonly IdentityKey _identity;
    private readonly Func<NodeDescription> _facts;
    private readonly LockedState? _locked;
    private readonly EpochClock _epoch;
    private readonly SealingKeys _sealing;
    private DoorServices _services;
    private readonly Lock _lock = new();
    private DoorConnection? _door;

    /// <summary>
    /// Makes the parts; id, sealing key, epoch and time of node.info are filled in here, the rest are <paramref name="facts"/>; <paramref name="locked"/>: why
    /// it is not itself.
    /// </summary>
    public NodeBus(IdentityKey identity, IAuthority authority, IReplayStore replays, Func<NodeDescription> facts, ILog log, LockedState? locked = null)
    {
        (_identity, _facts, _locked) = (identity, facts, locked);
        _epoch = new EpochClock(TimeProvider.System);
        _sealing = new SealingKeys(identity, TimeProvider.System);
        Routes = locked is null ? new Routes() : new Routes { Unknown = Identity.LockedNode.Refusal(locked) };
        AuthorityWithSelf known = new(authority, Asker.Id.Text);
        Gate = new Gate(identity.Id, known, Routes, _epoch, replays, Gate.NewStrangerLimit(TimeProvider.System), _sealing);
        _services = new DoorServices(Gate, new Dispatcher(identity, _epoch, log.Error), Routes, known, log);
        known.Changed += TellKeys;
    }

    /// <summary>The table of commands.</summary>
    public Routes Routes { get; }

    /// <summary>The gate, for its counters.</summary>
    public Gate Gate { get; }

    /// <summary>The key under which the node asks itself whether it still answers: it has a role, so no stranger takes its place.</summary>
    public IdentityKey Asker { get; } = IdentityKey.Generate();

    /// <summary>The public half of the key requests are sealed to now, base64.</summary>
    public string SealingKey => _sealing.Current.Key;

    /// <summary>Who opens sessions; without one this node opens none. Set before <see cref="Attach"/>.</summary>
    internal ISessionServer? Sessions
    {
        get => _services.Sessions;
        set => _services = _services with { Sessions = value };
    }

    /// <summary>Epoch and time of what the node answers.</summary>
    internal EpochClock Epoch => _epoch;

    /// <summary>A door turned out to be broken: it must be replaced.</summary>
    public event Action? DoorBroken;

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

    /// <summary>Answers a door at the other end of <paramref name="link"/>, instead of the one before.</summary>
    public void Attach(SeqPacketSocket link)
    {
        DoorConnection door = new(link, _services, Ended);
        DoorConnection? before;
        lock (_lock)
            (before, _door) = (_door, door);
        before?.Dispose();
        door.Start();
    }

    /// <summary>The node's clock was stepped: every message made before is stale now.</summary>
    public void ClockStepped() => _epoch.ClockStepped();

    /// <summary>Hangs up and erases the sealing keys.</summary>
    public void Dispose()
    {
        lock (_lock)
            _door?.Dispose();
        _sealing.Dispose();
    }

    private void TellKeys()
    {
        lock (_lock)
            _door?.TellKeys();
    }

    private void Ended(string? broken)
    {
        if (broken is null)
            return;
        _services.Log.Warn($"event=door-broken reason=\"{broken}\"");
        DoorBroken?.Invoke();
    }
}

/// <summary>What node.info says of image and computer; the tier is known only once the TPM has answered.</summary>
public sealed record NodeDescription(string Version, string ImageDigest, string Tier, IReadOnlyList<string> Features);
