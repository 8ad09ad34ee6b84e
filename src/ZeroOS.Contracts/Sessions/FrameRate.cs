namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// How many frames without data one side may send: <see cref="SessionLimits.FramesPerSecond"/>, twice as many at once. Times are milliseconds of one clock. Not
/// thread-safe.
/// </summary>
public sealed class FrameRate(long now)
{
    private double _tokens = 2 * SessionLimits.FramesPerSecond;
    private long _refilledAt = now;

    /// <summary>Counts one; false: it is one too many.</summary>
    public bool TryTake(long time)
    {
        _tokens = Math.Min(2 * SessionLimits.FramesPerSecond, _tokens + ((time - _refilledAt) / 1000.0 * SessionLimits.FramesPerSecond));
        _refilledAt = time;
        return --_tokens >= 0;
    }
}
