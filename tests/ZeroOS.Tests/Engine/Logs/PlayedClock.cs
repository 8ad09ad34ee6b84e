namespace ZeroOS.Tests.Engine.Logs;

/// <summary>A clock whose timers the test lets run, on its own thread, each at its time.</summary>
internal sealed class PlayedClock : TimeProvider
{
    private readonly List<PlayedTimer> _timers = [];
    private long _ticks;

    /// <summary>A timer waits for its time.</summary>
    public bool IsAnySet => _timers.Any(t => t.DueAt is not null);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 11, 22, 9, 0, 0, TimeSpan.Zero).AddTicks(_ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        PlayedTimer timer = new(this, () => callback(state));
        timer.Change(dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        long end = _ticks + by.Ticks;
        while (_timers.Where(t => t.DueAt <= end).MinBy(t => t.DueAt) is { } due)
        {
            _ticks = Math.Max(_ticks, due.DueAt!.Value);
            due.Run();
        }
        _ticks = end;
    }

    private sealed class PlayedTimer(PlayedClock clock, Action run) : ITimer
    {
        public long? DueAt { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            DueAt = dueTime == Timeout.InfiniteTimeSpan ? null : clock._ticks + dueTime.Ticks;
            return true;
        }

        public void Run()
        {
            DueAt = null;
            run();
        }

        public void Dispose() => DueAt = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
