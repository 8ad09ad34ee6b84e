namespace ZeroOS.Images.Fetch;

/// <summary>
/// Places that owners share: <paramref name="total"/> in sum, <paramref name="perOwner"/> for each, and the last <paramref name="reserved"/> only for owners
/// that have none. Who waits is served by turns of owners, so that one with many requests delays another by one place at most. Any thread may call.
/// </summary>
internal sealed class FairSlots(int total, int perOwner, int reserved)
{
    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Queue<TaskCompletionSource>> _waiting = new(StringComparer.Ordinal);
    private readonly Queue<string> _turns = new();
    private readonly Lock _gate = new();
    private int _free = total;

    /// <summary>Waits for a place; dispose what comes back to give it up.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before there was one.</exception>
    public async Task<IDisposable> EnterAsync(string owner, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        TaskCompletionSource place = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (!_waiting.TryGetValue(owner, out Queue<TaskCompletionSource>? queue))
            {
                _waiting[owner] = queue = new Queue<TaskCompletionSource>();
                _turns.Enqueue(owner);
            }
            queue.Enqueue(place);
            Grant();
        }
        using (cancellation.UnsafeRegister(static (waiting, token) => ((TaskCompletionSource)waiting!).TrySetCanceled(token), place))
            await place.Task.ConfigureAwait(false);
        return new Place(this, owner);
    }

    private void Leave(string owner)
    {
        lock (_gate)
        {
            _free++;
            if (--_held[owner] == 0)
                _held.Remove(owner);
            Grant();
        }
    }

    private void Grant()
    {
        for (int turns = _turns.Count; turns > 0; turns--)
        {
            string owner = _turns.Dequeue();
            Queue<TaskCompletionSource> queue = _waiting[owner];
            while (MayTake(owner) && queue.TryDequeue(out TaskCompletionSource? place))
            {
                if (!place.TrySetResult())
                    continue; // given up meanwhile
                _free--;
                _held[owner] = _held.GetValueOrDefault(owner) + 1;
                break;
            }
            while (queue.TryPeek(out TaskCompletionSource? first) && first.Task.IsCanceled)
                queue.Dequeue();
            if (queue.Count == 0)
                _waiting.Remove(owner);
            else
                _turns.Enqueue(owner);
        }
    }

    private bool MayTake(string owner)
    {
        int held = _held.GetValueOrDefault(owner);
        return held < perOwner && _free > (held == 0 ? 0 : reserved);
    }

    private sealed class Place(FairSlots slots, string owner) : IDisposable
    {
        private FairSlots? _slots = slots;

        public void Dispose() => Interlocked.Exchange(ref _slots, null)?.Leave(owner);
    }
}
