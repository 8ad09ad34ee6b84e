using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>A process that zguest started, from its start to its end. Thread-safe.</summary>
internal sealed class Child(int pid)
{
    private readonly object _lock = new();
    private ProcessExit? _exit;
    private Action? _onEnd;

    /// <summary>How it ended; null while it runs.</summary>
    internal ProcessExit? Exit
    {
        get
        {
            lock (_lock)
                return _exit;
        }
    }

    /// <summary>Has <paramref name="action"/> called when it ends, or at once if it has. The action must not wait: it holds up the reaper.</summary>
    internal void OnEnd(Action action)
    {
        lock (_lock)
        {
            if (_exit is null)
            {
                _onEnd += action;
                return;
            }
        }
        action();
    }

    /// <summary>One signal, 1 to 64, if it still runs.</summary>
    internal void Signal(int number)
    {
        lock (_lock)
        {
            if (_exit is null && number is >= 1 and <= 64)
                _ = ChildProcess.TryKill(pid, number);
        }
    }

    /// <summary>Does something with its process id, which is nobody else's meanwhile; null when it has ended.</summary>
    internal T? IfThere<T>(Func<int, T> use) where T : class
    {
        lock (_lock)
            return _exit is null ? use(pid) : null;
    }

    /// <summary>Waits for its end; false if it still runs after <paramref name="timeout"/>.</summary>
    internal bool WaitForEnd(TimeSpan timeout)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_lock)
        {
            while (_exit is null && Environment.TickCount64 < deadline)
                Monitor.Wait(_lock, (int)(deadline - Environment.TickCount64));
            return _exit is not null;
        }
    }

    /// <summary>It has ended, and its process id is still its own. Only the reaper says so.</summary>
    internal void End(ProcessExit exit)
    {
        lock (_lock)
        {
            _exit = exit;
            Monitor.PulseAll(_lock);
        }
        _onEnd?.Invoke();
    }
}
