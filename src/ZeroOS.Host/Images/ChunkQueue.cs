using ZeroOS.Flist;

namespace ZeroOS.Host.Images;

/// <summary>
/// Which chunks of one image are wanted, by whom, and in which order: what monitors wait for, then what the index says is needed at start, then, asked
/// for separately, the rest. State only: no I/O happens here. A chunk is in at most one batch at a time, so all who wait for it share one fetch.
/// </summary>
internal sealed class ChunkQueue(FlistIndex index, Func<int, bool> isReady, Func<int, bool> isNear, Func<int, bool> isHinted)
{
    /// <summary>Stored bytes that a fetch is made to cover at least, where neighbours are missing too.</summary>
    public const int MergeBytes = 1 << 20;

    private const int FillBytes = 4 << 20, MaxWorkers = 4;

    private readonly Dictionary<int, List<ChunkSocket>> _waiting = [];
    private readonly Dictionary<int, int> _failures = [];
    private readonly Dictionary<int, (string Reason, string Message)> _troubles = [];
    private readonly HashSet<int> _busy = [], _resting = [];
    private readonly Queue<int> _demand = new();
    private readonly Lock _gate = new();
    private int _prefetch, _fill, _workers;
    private long _lastMiss = Environment.TickCount64;

    /// <summary>Why somebody waits just now, or null.</summary>
    public (string Reason, string Message)? Trouble
    {
        get
        {
            lock (_gate)
            {
                foreach ((int chunk, (string Reason, string Message) trouble) in _troubles)
                {
                    if (_waiting.ContainsKey(chunk))
                        return trouble;
                }
                return null;
            }
        }
    }

    /// <summary>How long nobody has missed a chunk.</summary>
    public TimeSpan Quiet => TimeSpan.FromMilliseconds(Environment.TickCount64 - Interlocked.Read(ref _lastMiss));

    /// <summary>Puts a monitor on the list of a chunk; false when the chunk is ready already.</summary>
    public bool TryWait(int chunk, ChunkSocket socket)
    {
        lock (_gate)
        {
            if (isReady(chunk))
                return false;
            if (!_waiting.TryGetValue(chunk, out List<ChunkSocket>? sockets))
            {
                _waiting[chunk] = sockets = [];
                if (!_busy.Contains(chunk) && !_resting.Contains(chunk))
                    _demand.Enqueue(chunk);
            }
            if (!sockets.Contains(socket))
                sockets.Add(socket);
            Interlocked.Exchange(ref _lastMiss, Environment.TickCount64);
            return true;
        }
    }

    /// <summary>A monitor is gone.</summary>
    public void Forget(ChunkSocket socket)
    {
        lock (_gate)
        {
            foreach ((int chunk, List<ChunkSocket> sockets) in _waiting.ToArray())
            {
                if (sockets.Remove(socket) && sockets.Count == 0)
                    _waiting.Remove(chunk);
            }
        }
    }

    /// <summary>Whether one more worker is needed; it then calls <see cref="TakeOrLeave"/> until that says null.</summary>
    public bool TryJoin()
    {
        lock (_gate)
        {
            if (_workers == MaxWorkers || (_demand.Count == 0 && _prefetch == index.ChunkCount))
                return false;
            _workers++;
            return true;
        }
    }

    /// <summary>The next batch, the chunk it is about first; null: there is none, and the worker has left.</summary>
    public IReadOnlyList<int>? TakeOrLeave()
    {
        lock (_gate)
        {
            while (_demand.TryDequeue(out int chunk))
            {
                if (IsIdle(chunk))
                    return Batch(chunk, MergeBytes);
            }
            for (; _prefetch < index.ChunkCount; _prefetch++)
            {
                if (index[_prefetch].NeededAtStart && IsIdle(_prefetch))
                    return Batch(_prefetch, MergeBytes);
            }
            _workers--;
            return null;
        }
    }

    /// <summary>A batch for the background fill; null: nothing is missing that could be fetched now.</summary>
    public IReadOnlyList<int>? TakeFill()
    {
        lock (_gate)
        {
            for (int i = 0; i < index.ChunkCount; i++, _fill++)
            {
                _fill %= index.ChunkCount;
                if (IsIdle(_fill) && !isHinted(_fill)) // what is hinted costs no registry anything: it is hashed when it is read
                    return Batch(_fill, FillBytes);
            }
            return null;
        }
    }

    /// <summary>A chunk is ready: those who waited for it, to be told.</summary>
    public IReadOnlyList<ChunkSocket> End(int chunk)
    {
        lock (_gate)
        {
            _busy.Remove(chunk);
            _failures.Remove(chunk);
            _troubles.Remove(chunk);
            return _waiting.Remove(chunk, out List<ChunkSocket>? sockets) ? sockets : [];
        }
    }

    /// <summary>A chunk could not be had: it rests, and <see cref="Awake"/> ends that. Returns how often it has failed.</summary>
    public int Fail(int chunk, string reason, string message)
    {
        lock (_gate)
        {
            _busy.Remove(chunk);
            _resting.Add(chunk);
            _troubles[chunk] = (reason, message);
            // What is needed at start was a wish; without a registry it is not worth asking for piece by piece.
            _prefetch = index.ChunkCount;
            return _failures[chunk] = _failures.GetValueOrDefault(chunk) + 1;
        }
    }

    /// <summary>How often a chunk has failed since it was last had.</summary>
    public int Failures(int chunk)
    {
        lock (_gate)
            return _failures.GetValueOrDefault(chunk);
    }

    /// <summary>A chunk that failed may be tried again.</summary>
    public void Awake(int chunk)
    {
        lock (_gate)
        {
            _resting.Remove(chunk);
            if (_waiting.ContainsKey(chunk))
                _demand.Enqueue(chunk);
        }
    }

    private bool IsIdle(int chunk) => !isReady(chunk) && !_busy.Contains(chunk) && !_resting.Contains(chunk);

    private List<int> Batch(int chunk, int bytes)
    {
        List<int> batch = [chunk];
        _busy.Add(chunk);
        if (isNear(chunk))
            return batch;
        FlistChunk first = index[chunk];
        long begin = first.BlobOffset, end = first.BlobOffset + first.StoredLength;
        for (int next = chunk + 1; end - begin < bytes && next < index.ChunkCount && Fits(next, first.Blob) && index[next].BlobOffset == end; next++)
        {
            end += index[next].StoredLength;
            batch.Add(next);
            _busy.Add(next);
        }
        for (int before = chunk - 1; end - begin < bytes && before >= 0 && Fits(before, first.Blob) && index[before].BlobOffset + index[before].StoredLength == begin; before--)
        {
            begin = index[before].BlobOffset;
            batch.Add(before);
            _busy.Add(before);
        }
        return batch;
    }

    private bool Fits(int chunk, int blob) => index[chunk].Blob == blob && IsIdle(chunk) && !isNear(chunk);
}
