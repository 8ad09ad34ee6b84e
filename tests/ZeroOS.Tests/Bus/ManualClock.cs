namespace ZeroOS.Tests.Bus;

/// <summary>A clock that tests move: the wall clock and the monotonic one apart, as a step of the first must not move the second.</summary>
internal sealed class ManualClock : TimeProvider
{
    private DateTimeOffset _wall = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);
    private long _ticks = 1;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _wall;

    public override long GetTimestamp() => _ticks;

    public void Advance(TimeSpan by)
    {
        _wall += by;
        _ticks += by.Ticks;
    }

    public void Step(TimeSpan by) => _wall += by;
}
