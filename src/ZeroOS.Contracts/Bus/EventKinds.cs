namespace ZeroOS.Contracts.Bus;

/// <summary>
/// Kinds of events that programs wait for, and of pieces in an event stream that are no events: those are not stored, and carry the number of the last event
/// before them.
/// </summary>
public static class EventKinds
{
    /// <summary>The node's update has another state; for owners.</summary>
    public const string NodeUpdate = "node-update";

    /// <summary>The node has started and answers everything.</summary>
    public const string NodeReady = "node-ready";

    /// <summary>A machine is healthy, unhealthy, or starting again: the reason is the state's name.</summary>
    public const string Health = "health";

    /// <summary>A workload is gone.</summary>
    public const string WorkloadRemoved = "workload-removed";

    /// <summary>No event: the first piece of a stream that was asked for what is new. Everything after it will be told.</summary>
    public const string Watching = "watching";

    /// <summary>No event: how far the image of a machine is, at most once a second and only when it changed.</summary>
    public const string ImageProgress = "image-progress";

    /// <summary>No event: how far the node's update is, for owners, at most once a second and only when it changed.</summary>
    public const string UpdateProgress = "update-progress";
}
