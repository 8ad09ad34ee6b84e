namespace ZeroOS.Guest.Sessions;

/// <summary>
/// How many windows a forwarding session grants: with small windows a client that is fast would otherwise have this end send more frames without data than a
/// session may, and lose it. One that is due and may not be sent yet makes its channel wait a moment. Not thread-safe.
/// </summary>
internal sealed class ForwardGrants
{
    /// <summary>In each second; the rest of <c>SessionLimits.FramesPerSecond</c> is for ends and signs of life.</summary>
    internal const int PerSecond = 600;

    private long _since = Environment.TickCount64;
    private int _count;

    /// <summary>Counts one; false: not now.</summary>
    internal bool TryTake()
    {
        long now = Environment.TickCount64;
        if (now - _since >= 1000)
            (_since, _count) = (now, 0);
        if (_count == PerSecond)
            return false;
        _count++;
        return true;
    }
}
