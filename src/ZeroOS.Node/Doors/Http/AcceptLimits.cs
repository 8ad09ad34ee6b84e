using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// How many new connections the door looks at, decided by where they come from and before anything else is done for them. What is over is reset at once, so
/// that an honest client dials again at once. Origins from which a message of somebody with a role came lately have a rate of their own, a key's: a flood of
/// strangers costs them nothing. Thread-safe.
/// </summary>
internal sealed class AcceptLimits
{
    /// <summary>Connections at once, of an origin without a proof, at least.</summary>
    public const int OriginBurst = 64;

    /// <summary>Connections a second of all origins without a proof, together; at once twice as many. A network has an eighth of what is around it.</summary>
    public const int PerSecond = 640;

    /// <summary>Connections a second from the origins of one key; at once twice as many.</summary>
    public const int PerSecondOfKey = 80;

    /// <summary>Origins of one key that are remembered.</summary>
    public const int OriginsOfKey = 8;

    /// <summary>Origins that are remembered, together; keys as well, so that a key whose origin became another's comes back to the rate it had.</summary>
    public const int Origins = 1024;

    /// <summary>How long a proof counts.</summary>
    public static readonly TimeSpan ProofLasts = TimeSpan.FromHours(1);

    private readonly TimeProvider _clock;
    private readonly BucketTree _unproven;
    private readonly Lock _lock = new();
    private readonly Dictionary<Origin, Proof> _origins = [];
    private readonly Dictionary<string, KeyRate> _keys = new(StringComparer.Ordinal);

    public AcceptLimits(TimeProvider clock, int perSecond = PerSecond)
    {
        _clock = clock;
        _unproven = new BucketTree(clock, perSecond, 2 * perSecond, Math.Max(OriginBurst, perSecond / 10));
    }

    /// <summary>Takes a token for a new connection, or says no.</summary>
    public bool Allow(Origin origin) => AllowProven(origin) || _unproven.TryTake(origin);

    /// <summary>A new message of <paramref name="key"/>, which has a role, came from there.</summary>
    public void Proven(Origin origin, string key)
    {
        long now = _clock.GetTimestamp();
        lock (_lock)
        {
            // The same key again, as on every new connection, keeps its rate.
            if (_origins.TryGetValue(origin, out Proof? known))
            {
                if (known.Key == key)
                {
                    _origins[origin] = new Proof(key, now);
                    return;
                }
                Forget(origin, known);
            }
            if (_keys.TryGetValue(key, out KeyRate? rate) && rate.Origins.Count >= OriginsOfKey)
                Forget(Oldest(rate.Origins));
            if (_origins.Count >= Origins)
                Forget(Oldest(_origins.Keys));
            if (rate is null && _keys.Count >= Origins)
                _keys.Remove(_keys.First(k => k.Value.Origins.Count == 0).Key);
            if (rate is null)
                _keys[key] = rate = new KeyRate(new RateLimit(_clock, PerSecondOfKey, 2 * PerSecondOfKey));
            rate.Origins.Add(origin);
            _origins[origin] = new Proof(key, now);
        }
    }

    private bool AllowProven(Origin origin)
    {
        lock (_lock)
        {
            if (!_origins.TryGetValue(origin, out Proof? proof))
                return false;
            if (_clock.GetElapsedTime(proof.At) <= ProofLasts)
                return _keys[proof.Key].Rate.TryTake();
            Forget(origin, proof);
            return false;
        }
    }

    private Origin Oldest(IEnumerable<Origin> origins) => origins.MinBy(o => _origins[o].At);

    private void Forget(Origin origin) => Forget(origin, _origins[origin]);

    private void Forget(Origin origin, Proof proof)
    {
        _origins.Remove(origin);
        _keys[proof.Key].Origins.Remove(origin);
    }

    private sealed record Proof(string Key, long At);

    private sealed record KeyRate(RateLimit Rate)
    {
        public HashSet<Origin> Origins { get; } = [];
    }
}
