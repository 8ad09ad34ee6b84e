namespace ZeroOS.Images.Store;

/// <summary>Times, rates and limits of an <see cref="ImageStore"/>; the defaults are what docs/flist.md, "On the node", says.</summary>
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

    /// <summary>How often is looked for images to evict, when nothing else asks for it.</summary>
    public TimeSpan EvictionInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Bytes of indexes that are open though no machine uses their images: those images lend their chunks.</summary>
    public long IdleIndexBytes { get; init; } = 128 << 20;

    /// <summary>Images that are open though no machine uses them.</summary>
    public int IdleImages { get; init; } = 256;

    /// <summary>Bytes of indexes of the images that one tenant's machines use, at most.</summary>
    public long TenantIndexBytes { get; init; } = 256 << 20;

    /// <summary>Bytes of indexes of all images that machines use, at most.</summary>
    public long TotalIndexBytes { get; init; } = 2L << 30;

    /// <summary>Bytes of the file system that images leave free, always; null: a sixty-fourth of it, 32 MiB to 1 GiB.</summary>
    public long? ReserveBytes { get; init; }

    /// <summary>Bytes of unused images of one tenant; null: a sixteenth of the file system.</summary>
    public long? UnusedBytesOfTenant { get; init; }

    /// <summary>Bytes of the file system, and those free in it; null: asked of the kernel.</summary>
    public Func<(long Capacity, long Free)>? Storage { get; init; }
}
