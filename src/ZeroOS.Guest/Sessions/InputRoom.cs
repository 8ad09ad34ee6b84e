namespace ZeroOS.Guest.Sessions;

/// <summary>
/// Memory for input that waits inside this guest, beyond each session's first window: some sessions at once may have the large window, the others keep the
/// first. Thread-safe.
/// </summary>
internal sealed class InputRoom
{
    /// <summary>The large window, bytes.</summary>
    internal const int WindowBytes = 256 * 1024;

    /// <summary>Sessions that have it at once.</summary>
    internal const int Most = 16;

    private int _count;

    /// <summary>Reserves one large window; false when all are taken.</summary>
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
