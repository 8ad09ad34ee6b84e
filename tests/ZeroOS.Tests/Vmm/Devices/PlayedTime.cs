namespace ZeroOS.Tests.Vmm.Devices;

/// <summary>A clock that stands until it is told how much time has passed.</summary>
internal sealed class PlayedTime : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public void Pass(TimeSpan time) => _ticks += time.Ticks;
}
