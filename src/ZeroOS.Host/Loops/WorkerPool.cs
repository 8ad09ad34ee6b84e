using ZeroOS.Linux;

namespace ZeroOS.Host.Loops;

/// <summary>
/// A fixed number of threads for work that may wait: disk writes, questions to PID 1. Work comes in <see cref="OrderedWork"/> queues, which take turns of one
/// action each, so that a queue with much to do delays another by one action. An action that throws is logged and gone.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private readonly object _gate = new();
    private readonly Queue<OrderedWork> _ready = new();
    private readonly Thread[] _threads;
    private readonly ILog _log;
    private bool _ending;

    /// <summary>Starts <paramref name="threads"/> threads of one name.</summary>
    public WorkerPool(string name, int threads, ILog log)
    {
        _log = log;
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Run, 512 * 1024) { Name = name, IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <summary>Does what is waiting, for ten seconds at most, and ends the threads.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ending = true;
            Monitor.PulseAll(_gate);
        }
        long deadline = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        foreach (Thread thread in _threads)
            thread.Join((int)Math.Max(0, deadline - Environment.TickCount64));
    }

    /// <summary>A queue has work; it is in the line once.</summary>
    internal void Schedule(OrderedWork work)
    {
        lock (_gate)
        {
            _ready.Enqueue(work);
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        while (true)
        {
            OrderedWork next;
            lock (_gate)
            {
                while (_ready.Count == 0)
                {
                    if (_ending)
                        return;
                    Monitor.Wait(_gate);
                }
                next = _ready.Dequeue();
            }
            try
            {
                next.RunOne();
            }
            catch (Exception e)
            {
                _log.Error($"worker={Thread.CurrentThread.Name} {e.GetType().Name}: {e.Message}");
            }
        }
    }
}
