namespace ZeroOS.Guest.Sessions;

/// <summary>So many of a kind at once, for all sessions of this guest together. Thread-safe.</summary>
internal sealed class Places(int most)
{
    private int _count;

    /// <summary>Takes a place; false when there is none.</summary>
    internal bool TryTake()
    {
        if (Interlocked.Increment(ref _count) <= most)
            return true;
        Return();
        return false;
    }

    /// <summary>Gives one back.</summary>
    internal void Return() => Interlocked.Decrement(ref _count);
}
