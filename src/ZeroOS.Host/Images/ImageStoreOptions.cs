namespace ZeroOS.Host.Images;

/// <summary>Times and rates of an <see cref="ImageStore"/>; the defaults are what docs/flist.md, "On the node", says.</summary>
public sealed record ImageStoreOptions
{
    /// <summary>How long nobody must have missed a chunk before the background fill goes on.</summary>
    public TimeSpan QuietBeforeFill { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Stored bytes a second the background fill fetches at most.</summary>
    public long FillBytesPerSecond { get; init; } = 8 << 20;

    /// <summary>Wait before the first retry of a chunk; it doubles with each.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Wait before a retry at most.</summary>
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long chunks gather before one fdatasync and one write of the present map cover them all.</summary>
    public TimeSpan PersistDelay { get; init; } = TimeSpan.FromSeconds(3);
}
