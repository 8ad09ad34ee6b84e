namespace ZeroOS.Bus.Gates;

/// <summary>One token bucket. Thread-safe.</summary>
public sealed class RateLimit
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly double _perSecond;
    private readonly double _burst;
    private double _tokens;
    private long _at;

    /// <summary>A full bucket of <paramref name="burst"/> tokens, refilled at <paramref name="perSecond"/>.</summary>
    public RateLimit(TimeProvider clock, double perSecond, double burst)
    {
        (_clock, _perSecond, _burst) = (clock, perSecond, burst);
        (_tokens, _at) = (burst, clock.GetTimestamp());
    }

    /// <summary>Takes a token, or says no.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            long now = _clock.GetTimestamp();
            _tokens = Math.Min(_burst, _tokens + (_clock.GetElapsedTime(_at, now).TotalSeconds * _perSecond));
            _at = now;
            if (_tokens < 1)
                return false;
            _tokens--;
            return true;
        }
    }
}
