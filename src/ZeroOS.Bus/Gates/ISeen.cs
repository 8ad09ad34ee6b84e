using System.Collections.Concurrent;

using ZeroOS.Bus.Keys;

namespace ZeroOS.Bus.Gates;

/// <summary>What <see cref="ISeen"/> says about a message's id.</summary>
public enum SeenAnswer
{
    /// <summary>New, and remembered now.</summary>
    Fresh,

    /// <summary>Seen before.</summary>
    Replayed,

    /// <summary>The key has as many live ids as it may.</summary>
    Full,
}

/// <summary>
/// Which (sender, id) pairs have been here. The gate reserves an id before the command runs; a command that changes something commits the id in the same
/// transaction as its effect (RequestContext carries both), so that neither is ever there without the other. Thread-safe.
/// </summary>
public interface ISeen
{
    /// <summary>Live ids a key may have.</summary>
    const int MaxPerKey = 1000;

    /// <summary>Remembers the pair until <paramref name="until"/> on the gate's clock, or says why not.</summary>
    SeenAnswer Remember(KeyId from, Guid id, DateTimeOffset until, DateTimeOffset now);
}

/// <summary>The replay store in memory: enough within an epoch, and bounded because strangers never get this far.</summary>
public sealed class MemorySeen : ISeen
{
    private readonly ConcurrentDictionary<KeyId, Dictionary<Guid, DateTimeOffset>> _keys = new();

    /// <summary>As the interface says.</summary>
    public SeenAnswer Remember(KeyId from, Guid id, DateTimeOffset until, DateTimeOffset now)
    {
        Dictionary<Guid, DateTimeOffset> ids = _keys.GetOrAdd(from, static _ => []);
        lock (ids)
        {
            if (ids.TryGetValue(id, out DateTimeOffset kept) && kept >= now)
                return SeenAnswer.Replayed;
            if (ids.Count >= ISeen.MaxPerKey)
            {
                foreach (Guid dead in ids.Where(e => e.Value < now).Select(e => e.Key).ToList())
                    ids.Remove(dead);
            }
            if (ids.Count >= ISeen.MaxPerKey)
                return SeenAnswer.Full;
            ids[id] = until;
            return SeenAnswer.Fresh;
        }
    }
}
