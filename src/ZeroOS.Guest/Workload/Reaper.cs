using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>Waits for a child, any if <paramref name="pid"/> is 0; with <paramref name="leave"/> it can be waited for again.</summary>
internal delegate Errno WaitForChild(int pid, out ProcessExit exit, bool leave);

/// <summary>
/// Who waits for children, all of them, and tells each <see cref="Child"/> of its end. It does so before the process id is free again, so that nobody's signal
/// meets a stranger. A namespace of processes ends only when all of them were reaped, also those that its first process did not start.
/// </summary>
internal sealed class Reaper(WaitForChild wait)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Child> _children = [];

    /// <summary>Starts a child by what <paramref name="spawn"/> does and returns the process id of. Its end is not lost, however soon it comes.</summary>
    internal Child Start(Func<int> spawn)
    {
        // The end of a child that nobody knows yet waits for the lock.
        lock (_lock)
        {
            int pid = spawn();
            Child child = new(pid);
            _children[pid] = child;
            return child;
        }
    }

    /// <summary>Reaps whatever ends until <paramref name="last"/> has. One thread at a time.</summary>
    /// <exception cref="LinuxException">There is nothing to wait for.</exception>
    internal ProcessExit ReapUntilEnd(Child last)
    {
        while (true)
        {
            if (last.Exit is { } exit)
                return exit;
            ReapOne();
        }
    }

    private void ReapOne()
    {
        if (wait(0, out ProcessExit exit, leave: true) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "waitid", "children");
        Child? child;
        lock (_lock)
            _ = _children.Remove(exit.Pid, out child);
        child?.End(exit);
        _ = wait(exit.Pid, out _, leave: false);
    }
}
