using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Guest.Health;

/// <summary>
/// What the probes say together, and when the next one is due, by Docker's rules. Times are milliseconds of one clock that never goes back. Not thread-safe.
/// </summary>
/// <param name="check">The bounds.</param>
/// <param name="startedMs">When the workload began.</param>
internal sealed class HealthLedger(GuestHealth check, long startedMs)
{
    /// <summary>What they say.</summary>
    internal HealthState State { get; private set; } = HealthState.Starting;

    /// <summary>Failures in a row that count.</summary>
    internal int FailingStreak { get; private set; }

    /// <summary>How long after <paramref name="nowMs"/> the next probe begins.</summary>
    internal int NextInMs(long nowMs) => State == HealthState.Starting && IsInStartPeriod(nowMs) ? check.StartIntervalMs : check.IntervalMs;

    /// <summary>A probe that began at <paramref name="beganMs"/> has ended.</summary>
    internal void Add(bool isWell, long beganMs)
    {
        if (isWell)
        {
            (State, FailingStreak) = (HealthState.Healthy, 0);
            return;
        }
        if (State == HealthState.Starting && IsInStartPeriod(beganMs))
            return;
        FailingStreak++;
        if (FailingStreak >= check.Retries)
            State = HealthState.Unhealthy;
    }

    private bool IsInStartPeriod(long ms) => ms - startedMs < check.StartPeriodMs;
}
