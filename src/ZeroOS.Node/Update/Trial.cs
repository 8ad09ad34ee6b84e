namespace ZeroOS.Node.Update;

/// <summary>One look at the node's health: null reason is well.</summary>
internal readonly record struct HealthFinding(string? Reason, string? Message)
{
    /// <summary>Everything is as it should be.</summary>
    public static readonly HealthFinding Well = default;

    /// <summary>Nothing is missing.</summary>
    public bool IsWell => Reason is null;
}

/// <summary>How a trial ends.</summary>
internal enum TrialVerdict
{
    Undecided, Proven, Lost,
}

/// <summary>
/// The rule of a trial: health must hold for a set time without a break, and must have begun to before the time is up. Times are milliseconds since the kernel
/// started, so that a node that starts again does not begin anew.
/// </summary>
internal sealed class Trial(int holdSeconds)
{
    /// <summary>How long a trial may take to become healthy; PID 1 ends every trial after <see cref="Init.TrialRule.MayTakeMs"/>.</summary>
    internal const int MayNeedSeconds = 180;

    private long? _wellSince;

    /// <summary>What was missing last; what the owner reads when the trial is lost.</summary>
    public HealthFinding Last { get; private set; }

    /// <summary>When it is decided at the latest, unless it is well then.</summary>
    public long DeadlineMs => (holdSeconds + MayNeedSeconds) * 1000L;

    /// <summary>Takes a look into account.</summary>
    public TrialVerdict Take(HealthFinding finding, long nowMs)
    {
        if (finding.IsWell)
        {
            _wellSince ??= nowMs;
            return nowMs - _wellSince >= holdSeconds * 1000L ? TrialVerdict.Proven : TrialVerdict.Undecided;
        }
        (_wellSince, Last) = (null, finding);
        return nowMs >= DeadlineMs ? TrialVerdict.Lost : TrialVerdict.Undecided;
    }
}
