namespace ZeroOS.Contracts.Bus;

/// <summary>Kinds of pieces in an event stream that are no events: they are not stored, and carry the number of the last event before them.</summary>
public static class EventKinds
{
    /// <summary>The first piece of a stream that was asked for what is new: everything after it will be told.</summary>
    public const string Watching = "watching";

    /// <summary>How far the image of a machine is, at most once a second and only when it changed.</summary>
    public const string ImageProgress = "image-progress";
}
