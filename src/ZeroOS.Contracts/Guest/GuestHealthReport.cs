using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Guest;

/// <summary>How the workload is now, and one of the probes that say so.</summary>
public sealed record GuestHealthReport
{
    /// <summary>What all probes say together, those after <see cref="Result"/> included.</summary>
    public required HealthState State { get; init; }

    /// <summary>Probes that failed in a row.</summary>
    public int FailingStreak { get; init; }

    /// <summary>A probe that was not told on this connection; null: there was none yet.</summary>
    public GuestProbeResult? Result { get; init; }
}
