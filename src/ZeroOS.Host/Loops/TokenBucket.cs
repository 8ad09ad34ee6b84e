namespace ZeroOS.Host.Loops;

/// <summary>A rate with a burst: <paramref name="burst"/> at once, then one every <paramref name="everyMs"/> milliseconds. Not thread-safe.</summary>
internal sealed class TokenBucket(int burst, int everyMs)
{
    private int _tokens;
    private long _filledAt = long.MinValue;

    /// <summary>Takes one if there is one; <paramref name="nowMs"/> is of a clock that never goes back.</summary>
    public bool TryTake(long nowMs)
    {
        if (_filledAt == long.MinValue)
            (_tokens, _filledAt) = (burst, nowMs);
        long earned = (nowMs - _filledAt) / everyMs;
        _tokens = (int)Math.Min(burst, _tokens + Math.Min(earned, burst));
        _filledAt = _tokens == burst ? nowMs : _filledAt + (earned * everyMs);
        if (_tokens == 0)
            return false;
        _tokens--;
        return true;
    }
}
