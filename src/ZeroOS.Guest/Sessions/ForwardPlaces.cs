namespace ZeroOS.Guest.Sessions;

/// <summary>The forwarded connections of this guest in all its sessions: each has a descriptor of zguest's, so there are only so many. Thread-safe.</summary>
internal sealed class ForwardPlaces
{
    /// <summary>Connections at once.</summary>
    internal const int Most = 256;

    private int _count;

    /// <summary>Takes a place; false when there is none.</summary>
    internal bool TryTake()
    {
        if (Interlocked.Increment(ref _count) <= Most)
            return true;
        Return();
        return false;
    }

    /// <summary>Gives one back.</summary>
    internal void Return() => Interlocked.Decrement(ref _count);
}
