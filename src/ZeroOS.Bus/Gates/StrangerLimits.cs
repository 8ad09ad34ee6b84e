namespace ZeroOS.Bus.Gates;

/// <summary>
/// What people without a role may ask: one token a message, from the buckets of their origin and of all. Taken before their message is parsed. Thread-safe.
/// </summary>
public sealed class StrangerLimits(TimeProvider clock)
{
    /// <summary>Messages one origin may send at once.</summary>
    public const int OriginBurst = 10;

    /// <summary>Messages all strangers together may send at once.</summary>
    public const int TotalBurst = 100;

    /// <summary>Messages a second of all strangers together.</summary>
    public const int TotalPerSecond = 50;

    private readonly BucketTree _buckets = new(clock, TotalPerSecond, TotalBurst, OriginBurst);

    /// <summary>Takes a token for one message, or says no.</summary>
    public bool Allow(Origin origin) => _buckets.TryTake(origin);
}
