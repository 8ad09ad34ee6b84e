using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>Body of zos.events.watch.</summary>
public sealed record EventsWatch
{
    /// <summary>Only events numbered above; 0 for all that are kept.</summary>
    public long After { get; init; }

    /// <summary>Go on as more happen.</summary>
    public bool Follow { get; init; }

    /// <summary>
    /// Only what happens from now on, whatever <see cref="After"/> says: the first piece is then of kind "watching", and its number is that of the last event
    /// before.
    /// </summary>
    public bool New { get; init; }

    /// <summary>
    /// While following, also tell how far images and the node's update are: <see cref="EventKinds.ImageProgress"/>, <see cref="EventKinds.UpdateProgress"/>.
    /// </summary>
    public bool Progress { get; init; }
}

/// <summary>Something that happened to the receiver's things, numbered per receiver without gaps.</summary>
public sealed record NodeEvent
{
    /// <summary>1, 2, 3, ... per receiver.</summary>
    public required long Number { get; init; }

    /// <summary>When, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Stable kebab-case kind: "workload-state", "grant-changed", "node-ready".</summary>
    public required string Kind { get; init; }

    /// <summary>Deployment, if about one.</summary>
    public string? Deployment { get; init; }

    /// <summary>Workload, if about one.</summary>
    public string? Workload { get; init; }

    /// <summary>The new state, if one.</summary>
    public WorkloadState? State { get; init; }

    /// <summary>Reason code.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence.</summary>
    public string? Message { get; init; }

    /// <summary>Of <see cref="EventKinds.WorkloadRemoved"/>: the last exit code of a machine.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Of "image-progress": stored bytes of the image that are on the node. Of "update-progress": bytes that have arrived.</summary>
    public long? DoneBytes { get; init; }

    /// <summary>Of both: bytes in all.</summary>
    public long? TotalBytes { get; init; }
}
