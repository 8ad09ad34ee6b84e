namespace ZeroOS.Bus.Gates;

/// <summary>
/// What failures may cost. Key ids are public: whoever names a known one is believed only as far as the origin has tokens left, and pays with them when the
/// signature does not verify or the message turns out to be an old one. Thread-safe.
/// </summary>
public sealed class FailureLimits(TimeProvider clock)
{
    /// <summary>Tokens one origin has at once at least: failures of small messages.</summary>
    public const int OriginBurst = 8;

    /// <summary>Tokens all origins together have at once.</summary>
    public const int TotalBurst = 2048;

    /// <summary>Tokens a second of all origins together: about a tenth of a processor.</summary>
    public const int TotalPerSecond = 256;

    private const double BytesPerToken = 32 * 1024;

    private readonly BucketTree _buckets = new(clock, TotalPerSecond, TotalBurst, OriginBurst);

    /// <summary>Whether a claim of this origin is looked at.</summary>
    public bool Allow(Origin origin) => _buckets.Has(origin);

    /// <summary>A claim of <paramref name="bytes"/> bytes came to nothing.</summary>
    public void Charge(Origin origin, int bytes) => _buckets.Take(origin, 1 + (bytes / BytesPerToken));
}
