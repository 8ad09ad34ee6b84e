using System.Collections.Concurrent;

using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// The one thread that waits for children, those of others that fell to PID 1 included; nobody else may call wait. Statuses are handed to the event loop
/// through a queue and an event.
/// </summary>
internal sealed class Reaper
{
    private readonly ConcurrentQueue<ProcessExit> _exits = new();
    private readonly object _children = new();
    private bool _started;
    private bool _childless = true;

    /// <summary>Signalled when there is something to take.</summary>
    public EventFd Ready { get; } = new();

    /// <summary>Starts the thread.</summary>
    public void Start() => new Thread(Reap) { Name = "reaper", IsBackground = true }.Start();

    /// <summary>There is a child to wait for; call it after each start.</summary>
    public void ChildStarted()
    {
        lock (_children)
        {
            (_started, _childless) = (true, false);
            Monitor.PulseAll(_children);
        }
    }

    /// <summary>Takes one status, oldest first.</summary>
    public bool TryTake(out ProcessExit exit) => _exits.TryDequeue(out exit);

    /// <summary>Waits until no child is left, at most <paramref name="timeoutMs"/>; false if some are.</summary>
    public bool WaitUntilChildless(int timeoutMs)
    {
        long until = Environment.TickCount64 + timeoutMs;
        lock (_children)
        {
            while (!_childless && until - Environment.TickCount64 is var left && left > 0)
                Monitor.Wait(_children, (int)left);
            return _childless;
        }
    }

    private void Reap()
    {
        while (true)
        {
            if (ChildProcess.TryWait(0, out ProcessExit exit) == Errno.None)
            {
                _exits.Enqueue(exit);
                Ready.Signal();
                continue;
            }
            // No child at all. One may have been started since the kernel said so: then the flag is up already.
            lock (_children)
            {
                if (!_started)
                {
                    _childless = true;
                    Monitor.PulseAll(_children);
                }
                while (!_started)
                    Monitor.Wait(_children);
                _started = false;
            }
        }
    }
}
