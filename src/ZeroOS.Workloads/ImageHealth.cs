namespace ZeroOS.Workloads;

/// <summary>
/// The health check that an image brings (Docker's HEALTHCHECK). What it does not say is null; what it says is within the bounds of a deployment's.
/// </summary>
public sealed record ImageHealth
{
    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Milliseconds from the end of a probe to the next.</summary>
    public int? IntervalMs { get; init; }

    /// <summary>Milliseconds that a probe may take.</summary>
    public int? TimeoutMs { get; init; }

    /// <summary>Milliseconds in which failures do not count yet.</summary>
    public int? StartPeriodMs { get; init; }

    /// <summary>The interval in that time.</summary>
    public int? StartIntervalMs { get; init; }

    /// <summary>Failures in a row until it is unhealthy.</summary>
    public int? Retries { get; init; }
}
