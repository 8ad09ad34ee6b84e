using ZeroOS.Bus.Keys;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// Which (sender, id) pairs have been here. The gate reserves an id before the command runs; a command that changes something commits the id in the same
/// transaction as its effect (RequestContext carries both), so that neither is ever there without the other. Thread-safe.
/// </summary>
public interface IReplayStore
{
    /// <summary>Live ids a key may have.</summary>
    const int MaxPerKey = 16_384;

    /// <summary>Live ids of all keys: more than a node looks at while an id lives, so that no key can keep another one's out.</summary>
    const int MaxLive = 262_144;

    /// <summary>Remembers the pair until <paramref name="until"/> on the gate's clock, or says why not.</summary>
    ReplayAnswer Remember(KeyId from, Guid id, DateTimeOffset until, DateTimeOffset now);
}
