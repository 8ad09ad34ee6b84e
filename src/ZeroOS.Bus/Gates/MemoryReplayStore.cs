using ZeroOS.Bus.Keys;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// The replay store in memory, enough within an epoch: one table for all keys, from which an id goes when it could not count any more. An id takes 84 bytes.
/// </summary>
public sealed class MemoryReplayStore : IReplayStore
{
    private readonly Lock _lock = new();
    private readonly HashSet<Seen> _ids = [];
    private readonly PriorityQueue<Seen, DateTimeOffset> _ends = new();
    private readonly Dictionary<KeyId, int> _live = [];

    /// <summary>Ids that are remembered now, of all keys.</summary>
    public int Live
    {
        get
        {
            lock (_lock)
                return _ids.Count;
        }
    }

    /// <summary>As the interface says.</summary>
    public ReplayAnswer Remember(KeyId from, Guid id, DateTimeOffset until, DateTimeOffset now)
    {
        Seen seen = new(from, id);
        lock (_lock)
        {
            Forget(now);
            if (_ids.Contains(seen))
                return ReplayAnswer.Replayed;
            int live = _live.GetValueOrDefault(from);
            if (live >= IReplayStore.MaxPerKey || _ids.Count >= IReplayStore.MaxLive)
                return ReplayAnswer.Full;
            _live[from] = live + 1;
            _ids.Add(seen);
            _ends.Enqueue(seen, until);
            return ReplayAnswer.Fresh;
        }
    }

    private void Forget(DateTimeOffset now)
    {
        while (_ends.TryPeek(out Seen seen, out DateTimeOffset until) && until < now)
        {
            _ends.Dequeue();
            _ids.Remove(seen);
            if (--_live[seen.From] == 0)
                _live.Remove(seen.From);
        }
    }

    private readonly record struct Seen(KeyId From, Guid Id);
}
