namespace ZeroOS.Host.Loops;

/// <summary>Actions of one owner, done one at a time and in order by a <see cref="WorkerPool"/>. The owner bounds how many wait. Thread-safe.</summary>
internal sealed class OrderedWork(WorkerPool pool)
{
    private readonly Lock _gate = new();
    private readonly Queue<Action> _waiting = new();
    private bool _scheduled;

    /// <summary>Adds an action behind those that wait.</summary>
    public void Post(Action action)
    {
        lock (_gate)
        {
            _waiting.Enqueue(action);
            if (_scheduled)
                return;
            _scheduled = true;
        }
        pool.Schedule(this);
    }

    /// <summary>Does the first action; on a thread of the pool.</summary>
    internal void RunOne()
    {
        Action action;
        lock (_gate)
            action = _waiting.Dequeue();
        try
        {
            action();
        }
        finally
        {
            bool more;
            lock (_gate)
                _scheduled = more = _waiting.Count > 0;
            if (more)
                pool.Schedule(this);
        }
    }
}
