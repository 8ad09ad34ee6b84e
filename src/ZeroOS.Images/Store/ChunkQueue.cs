using ZeroOS.Flist;

namespace ZeroOS.Images.Store;

/// <summary>
/// Which chunks of one image are wanted, by whom, and in which order: what monitors wait for, in turns, then what the index says is needed at start, then,
/// asked for separately, the rest. State only: no I/O happens here. A chunk is in at most one batch at a time, so all who wait for it share one fetch.
/// The image decides how many chunks it has, so a chunk costs bits here; only what is waited for costs more, and each waiter has a window for that.
/// </summary>
internal sealed class ChunkQueue(FlistIndex index, Func<int, bool> isReady, Func<int, bool> isNear, Func<int, bool> isHinted)
{
    /// <summary>Stored bytes that a fetch is made to cover at least, where neighbours are missing too.</summary>
    public const int MergeBytes = 1 << 20;

    /// <summary>Chunks in one batch at most, however small they are stored.</summary>
    public const int MaxBatch = 64;

    /// <summary>Chunks one waiter waits for at most; its owner reads no further request before one of them has come.</summary>
    public const int MaxWaits = 256;

    private const int FillBytes = 4 << 20, MaxWorkers = 4;

    private readonly Dictionary<int, List<IChunkWaiter>> _waiting = [];
    private readonly Dictionary<IChunkWaiter, Window> _windows = [];
    private readonly Queue<Window> _turns = new();
    private readonly ChunkMap _busy = new(index.ChunkCount), _resting = new(index.ChunkCount), _failed = new(index.ChunkCount);
    private readonly HashSet<int> _stuck = [];
    private readonly Lock _gate = new();
    private (string Reason, string Message) _trouble;
    private int _prefetch = index.ChunkCount, _fill, _workers, _failedChunks, _rests, _attempt;
    private bool _timer;
    private long _lastMiss = Environment.TickCount64;

    /// <summary>Why somebody waits just now, or null.</summary>
    public (string Reason, string Message)? Trouble
    {
        get
        {
            lock (_gate)
                return _stuck.Count > 0 ? _trouble : null;
        }
    }

    /// <summary>How often something of this image has failed: the next try goes to another source.</summary>
    public int Attempt
    {
        get
        {
            lock (_gate)
                return _attempt;
        }
    }

    /// <summary>How long nobody has missed a chunk.</summary>
    public TimeSpan Quiet => TimeSpan.FromMilliseconds(Environment.TickCount64 - Interlocked.Read(ref _lastMiss));

    /// <summary>Puts somebody on the list of a chunk that is not ready. The caller holds itself to <see cref="MaxWaits"/>.</summary>
    public ChunkWait Wait(int chunk, IChunkWaiter waiter)
    {
        lock (_gate)
        {
            if (isReady(chunk))
                return ChunkWait.Ready;
            if (!_waiting.TryGetValue(chunk, out List<IChunkWaiter>? waiters))
                _waiting[chunk] = waiters = [];
            if (waiters.Contains(waiter))
                return ChunkWait.WaitsAlready;
            waiters.Add(waiter);
            if (!_windows.TryGetValue(waiter, out Window? window))
                _windows[waiter] = window = new Window();
            window.Waits++;
            if (_failed[chunk])
                _stuck.Add(chunk);
            if (IsIdle(chunk))
                Demand(window, chunk);
            Interlocked.Exchange(ref _lastMiss, Environment.TickCount64);
            return ChunkWait.Waits;
        }
    }

    /// <summary>A waiter is gone.</summary>
    public void Forget(IChunkWaiter waiter)
    {
        lock (_gate)
        {
            if (!_windows.Remove(waiter, out Window? window))
                return;
            window.Demand.Clear();
            foreach ((int chunk, List<IChunkWaiter> waiters) in _waiting)
            {
                if (!waiters.Remove(waiter) || waiters.Count > 0)
                    continue;
                _waiting.Remove(chunk);
                _stuck.Remove(chunk);
            }
        }
    }

    /// <summary>Whether what the index says is needed at start is wanted though nobody waits for it; not before this says so.</summary>
    public void Prefetch(bool wanted)
    {
        lock (_gate)
            _prefetch = wanted ? 0 : index.ChunkCount;
    }

    /// <summary>Whether one more worker is needed; it then calls <see cref="TakeOrLeave"/> until that says null.</summary>
    public bool TryJoin()
    {
        lock (_gate)
        {
            if (_workers == MaxWorkers || (_turns.Count == 0 && _prefetch == index.ChunkCount))
                return false;
            _workers++;
            return true;
        }
    }

    /// <summary>The next batch; null: there is none, and the worker has left.</summary>
    public ChunkBatch? TakeOrLeave()
    {
        lock (_gate)
        {
            while (_turns.TryDequeue(out Window? window))
            {
                window.HasTurn = false;
                if (!window.Demand.TryDequeue(out int chunk))
                    continue;
                GiveTurn(window);
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
    public ChunkBatch? TakeFill()
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
    public IReadOnlyList<IChunkWaiter> End(int chunk)
    {
        lock (_gate)
        {
            _busy[chunk] = false;
            _resting[chunk] = false;
            _stuck.Remove(chunk);
            if (_failed[chunk])
            {
                _failed[chunk] = false;
                if (--_failedChunks == 0)
                    _rests = 0;
            }
            if (!_waiting.Remove(chunk, out List<IChunkWaiter>? waiters))
                return [];
            foreach (IChunkWaiter waiter in waiters)
            {
                // A window without waits is nobody's any more; what is left in its demand is ready or waited for by others.
                if (--_windows[waiter].Waits == 0)
                    _windows.Remove(waiter);
            }
            return waiters;
        }
    }

    /// <summary>
    /// Chunks could not be had: they rest until <see cref="Awake"/>. There is one timer for all chunks of an image: the answer is how many rests there were
    /// in a row when the caller is to start it, and 0 when it runs.
    /// </summary>
    public int Fail(IEnumerable<int> chunks, string reason, string message)
    {
        lock (_gate)
        {
            _trouble = (reason, message);
            foreach (int chunk in chunks)
            {
                _busy[chunk] = false;
                _resting[chunk] = true;
                if (!_failed[chunk])
                    _failedChunks++;
                _failed[chunk] = true;
                if (_waiting.ContainsKey(chunk))
                    _stuck.Add(chunk);
            }
            // What is needed at start was a wish; without a registry it is not worth asking for piece by piece.
            _prefetch = index.ChunkCount;
            _attempt = (_attempt + 1) & int.MaxValue;
            if (_timer)
                return 0;
            _timer = true;
            return ++_rests;
        }
    }

    /// <summary>The timer has run down: what rests may be tried again.</summary>
    public void Awake()
    {
        lock (_gate)
        {
            _timer = false;
            foreach ((int chunk, List<IChunkWaiter> waiters) in _waiting)
            {
                if (!_resting[chunk])
                    continue;
                foreach (IChunkWaiter waiter in waiters)
                    Demand(_windows[waiter], chunk);
            }
            _resting.Clear();
        }
    }

    private void Demand(Window window, int chunk)
    {
        window.Demand.Enqueue(chunk);
        GiveTurn(window);
    }

    private void GiveTurn(Window window)
    {
        if (window.HasTurn || window.Demand.Count == 0)
            return;
        window.HasTurn = true;
        _turns.Enqueue(window);
    }

    private bool IsIdle(int chunk) => !isReady(chunk) && !_busy[chunk] && !_resting[chunk];

    private ChunkBatch Batch(int chunk, int bytes)
    {
        const int MaxWaiters = 8; // whose sources are tried in turn
        List<int> batch = [chunk];
        IReadOnlyList<IChunkWaiter> waiters = _waiting.TryGetValue(chunk, out List<IChunkWaiter>? who) ? [.. who.Take(MaxWaiters)] : [];
        _busy[chunk] = true;
        if (isNear(chunk))
            return new ChunkBatch(batch, waiters);
        FlistChunk first = index[chunk];
        long begin = first.BlobOffset, end = first.BlobOffset + first.StoredLength;
        for (int next = chunk + 1; end - begin < bytes && batch.Count < MaxBatch && next < index.ChunkCount && Fits(next, first.Blob)
            && index[next].BlobOffset == end; next++)
        {
            end += index[next].StoredLength;
            batch.Add(next);
            _busy[next] = true;
        }
        for (int before = chunk - 1; end - begin < bytes && batch.Count < MaxBatch && before >= 0 && Fits(before, first.Blob)
            && index[before].BlobOffset + index[before].StoredLength == begin; before--)
        {
            begin = index[before].BlobOffset;
            batch.Add(before);
            _busy[before] = true;
        }
        return new ChunkBatch(batch, waiters);
    }

    private bool Fits(int chunk, int blob) => index[chunk].Blob == blob && IsIdle(chunk) && !isNear(chunk);

    /// <summary>What one waiter waits for: its chunks in the order it asked, taken in turns with other waiters'.</summary>
    private sealed class Window
    {
        public Queue<int> Demand { get; } = new();
        public int Waits { get; set; }
        public bool HasTurn { get; set; }
    }
}
