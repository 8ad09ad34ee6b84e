namespace ZeroOS.Init;

/// <summary>
/// When a process is started again after it ended: at once the first time, then ever later, at most <paramref name="longestDelayMs"/>, from the beginning after
/// a minute of life. Times in milliseconds of one clock.
/// </summary>
internal sealed class Supervisor(int longestDelayMs = 60_000)
{
    private const int FirstDelayMs = 500, HealthyAfterMs = 60_000;
    private long _startedAt;
    private int _delayMs;

    /// <summary>Its process id, 0 while it does not run.</summary>
    public int Pid { get; private set; }

    /// <summary>When it is due to be started; meaningless while it runs.</summary>
    public long DueAt { get; private set; }

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>Whether it should be started now.</summary>
    public bool IsDue(long now) => Pid == 0 && now >= DueAt;

    /// <summary>It runs.</summary>
    public void Started(int pid, long now)
    {
        (Pid, _startedAt) = (pid, now);
        Starts++;
    }

    /// <summary>It ended, or could not be started.</summary>
    public void Ended(long now)
    {
        if (Pid != 0 && now - _startedAt >= HealthyAfterMs)
            _delayMs = 0;
        Pid = 0;
        DueAt = now + _delayMs;
        _delayMs = _delayMs == 0 ? FirstDelayMs : Math.Min(_delayMs * 2, longestDelayMs);
    }
}
