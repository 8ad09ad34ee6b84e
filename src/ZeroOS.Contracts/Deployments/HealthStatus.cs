namespace ZeroOS.Contracts.Deployments;

/// <summary>The health of a machine that runs and has a check, as its guest tells it.</summary>
public sealed record HealthStatus
{
    /// <summary>What the probes say together.</summary>
    public required HealthState State { get; init; }

    /// <summary>Probes that failed in a row.</summary>
    public int FailingStreak { get; init; }

    /// <summary>The last probes, oldest first, at most <see cref="HealthLimits.Results"/>; null where only the state is told.</summary>
    public IReadOnlyList<HealthResult>? Results { get; init; }
}
