namespace ZeroOS.Init;

/// <summary>
/// PID 1's part in an update. An image on trial was started by the firmware for this once; unless the node says in time that it is kept, the computer restarts
/// and the firmware starts the version from before. It asks nothing of the node but that word, so a node that hangs, crashes or lies in wait changes nothing.
/// Times in milliseconds of one clock.
/// </summary>
internal sealed class TrialRule(bool onTrial, long now)
{
    /// <summary>The longest a trial takes: the longest hold a manifest may ask for, and time to become healthy.</summary>
    internal const int MayTakeMs = 900_000;

    /// <summary>A node that has to be started more often than this is no version to keep.</summary>
    internal const int MaxStarts = 5;

    private readonly long _dueAt = now + MayTakeMs;
    private bool _open = onTrial;

    /// <summary>When the trial is over at the latest; null when there is none.</summary>
    public long? DueAt => _open ? _dueAt : null;

    /// <summary>The node says that its version is kept.</summary>
    public void Kept() => _open = false;

    /// <summary>Why the computer has to restart now; null while it has not.</summary>
    public string? Over(long at, int nodeStarts) => !_open ? null
        : nodeStarts > MaxStarts ? "the node of the version on trial does not stay alive"
        : at >= _dueAt ? "the version on trial was not kept in time"
        : null;
}
