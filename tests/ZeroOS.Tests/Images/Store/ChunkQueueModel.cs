using Xunit;

using ZeroOS.Flist;
using ZeroOS.Images.Fetch;
using ZeroOS.Images.Store;

namespace ZeroOS.Tests.Images.Store;

/// <summary>
/// A <see cref="ChunkQueue"/> driven by random waiters, workers, failures and departures, against a plain model of what it must do: no chunk in two
/// batches, none lost, everybody told once for each wait. <see cref="Run"/> is an entry point for fuzzing: a seed says everything.
/// </summary>
internal sealed class ChunkQueueModel
{
    private readonly Random _random;
    private readonly FlistIndex _index;
    private readonly ChunkQueue _queue;
    private readonly bool[] _ready;
    private readonly HashSet<int> _busy = [];
    private readonly List<ChunkBatch> _batches = [];
    private readonly List<Waiter> _waiters = [];
    private int _workers;

    private ChunkQueueModel(int seed)
    {
        _random = new Random(seed);
        _index = Index(_random);
        _ready = new bool[_index.ChunkCount];
        _queue = new ChunkQueue(_index, c => _ready[c], _ => false, _ => false);
        _queue.Prefetch(_random.Next(3) > 0);
    }

    /// <summary>One life of a queue.</summary>
    public static void Run(int seed)
    {
        ChunkQueueModel model = new(seed);
        for (int i = 0; i < 400; i++)
            model.Step();
        model.Finish();
    }

    private void Step()
    {
        switch (_random.Next(10))
        {
            case 0 when _waiters.Count < 6:
                _waiters.Add(new Waiter());
                break;
            case 1 when _waiters.Count > 0 && _random.Next(4) == 0:
                Waiter gone = _waiters[_random.Next(_waiters.Count)];
                _waiters.Remove(gone);
                gone.Waits.Clear();
                gone.IsGone = true;
                _queue.Forget(gone);
                break;
            case <= 4 when _waiters.Count > 0:
                Wait(_waiters[_random.Next(_waiters.Count)], _random.Next(_index.ChunkCount));
                break;
            case 5 or 6:
                Take();
                break;
            case 7 when _batches.Count > 0:
                Fail(_batches[_random.Next(_batches.Count)]);
                break;
            case 8:
                _queue.Awake();
                break;
            default:
                if (_batches.Count > 0)
                    Complete(_batches[_random.Next(_batches.Count)]);
                break;
        }
        Assert.Equal(_queue.Trouble is not null, _waiters.Any(w => w.Waits.Any(Failed.Contains)));
    }

    private HashSet<int> Failed { get; } = [];

    private void Wait(Waiter waiter, int chunk)
    {
        if (waiter.Waits.Count == ChunkQueue.MaxWaits)
            return;
        ChunkWait expected = _ready[chunk] ? ChunkWait.Ready : waiter.Waits.Contains(chunk) ? ChunkWait.WaitsAlready : ChunkWait.Waits;
        Assert.Equal(expected, _queue.Wait(chunk, waiter));
        if (expected == ChunkWait.Waits)
            waiter.Waits.Add(chunk);
    }

    private void Take()
    {
        bool fill = _random.Next(4) == 0;
        if (!fill)
        {
            if (!_queue.TryJoin())
                return;
            _workers++;
        }
        ChunkBatch? batch = fill ? _queue.TakeFill() : _queue.TakeOrLeave();
        if (!fill && batch is not null)
            Leave();
        if (batch is null)
        {
            _workers -= fill ? 0 : 1;
            return;
        }
        Assert.InRange(batch.Chunks.Count, 1, ChunkQueue.MaxBatch);
        Assert.All(batch.Chunks, c => Assert.True(!_ready[c] && _busy.Add(c), $"chunk {c} is ready, or in two batches"));
        Assert.Single(batch.Chunks.Select(c => _index[c].Blob).Distinct());
        _batches.Add(batch);
    }

    // A worker that has its batch is asked for nothing else here: it goes when there is nothing, as the filler's does in the end.
    private void Leave()
    {
        while (_queue.TakeOrLeave() is { } more)
        {
            Assert.All(more.Chunks, c => Assert.True(!_ready[c] && _busy.Add(c)));
            _batches.Add(more);
        }
        _workers--;
    }

    private void Fail(ChunkBatch batch)
    {
        _batches.Remove(batch);
        List<int> left = [.. batch.Chunks.Where(c => _random.Next(3) > 0)];
        foreach (int chunk in batch.Chunks.Except(left))
            Ready(chunk);
        _queue.Fail(left, "reason", "message");
        _busy.ExceptWith(left);
        Failed.UnionWith(left);
    }

    private void Complete(ChunkBatch batch)
    {
        _batches.Remove(batch);
        foreach (int chunk in batch.Chunks)
            Ready(chunk);
    }

    private void Ready(int chunk)
    {
        _ready[chunk] = true;
        _busy.Remove(chunk);
        Failed.Remove(chunk);
        foreach (IChunkWaiter waiter in _queue.End(chunk))
            waiter.Ready(chunk);
    }

    private void Finish()
    {
        for (int round = 0; round < 3; round++)
        {
            _batches.ToList().ForEach(Complete);
            _queue.Awake();
            if (_queue.TryJoin())
            {
                _workers++;
                Leave();
            }
        }
        Assert.All(_waiters, w => Assert.Empty(w.Waits));
        Assert.Equal(0, _workers);
        Assert.Null(_queue.Trouble);
    }

    private static FlistIndex Index(Random random)
    {
        int blobs = random.Next(1, 4);
        long[] ends = new long[blobs];
        List<FlistChunk> chunks = [];
        for (int i = random.Next(1, 500); i > 0; i--)
        {
            int blob = random.Next(4) > 0 && chunks.Count > 0 ? chunks[^1].Blob : random.Next(blobs),
                stored = random.Next(10) == 0 ? random.Next(1, 1 << 20) : random.Next(1, 9);
            if (random.Next(8) == 0)
                ends[blob] += 5;
            chunks.Add(new FlistChunk
            {
                DeviceOffset = (long)chunks.Count << 20,
                Length = 1 << 20,
                Blob = blob,
                Codec = ChunkCodec.Zstd,
                NeededAtStart = random.Next(5) == 0,
                BlobOffset = ends[blob],
                StoredLength = stored,
                StoredDigest = default,
                PlainDigest = default,
            });
            ends[blob] += stored;
        }
        return FlistIndex.Open(FlistIndexWriter.Write((long)chunks.Count << 20, new Sha256Digest[blobs], chunks));
    }

    private sealed class Waiter : IChunkWaiter
    {
        public HashSet<int> Waits { get; } = [];
        public bool IsGone { get; set; }
        public FetchSource Source { get; } = new("r", "http://r", true, "x", null);

        public void Ready(int chunk)
        {
            Assert.False(IsGone, "one that is gone is told nothing");
            Assert.True(Waits.Remove(chunk), $"chunk {chunk} is told to somebody who does not wait for it");
        }
    }
}
