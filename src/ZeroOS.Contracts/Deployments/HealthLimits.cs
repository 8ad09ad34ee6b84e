namespace ZeroOS.Contracts.Deployments;

/// <summary>Bounds of health checks, and what Docker takes where nobody says anything.</summary>
public static class HealthLimits
{
    /// <summary>Results that are kept of a machine.</summary>
    public const int Results = 5;

    /// <summary>Bytes of a probe's output that are kept.</summary>
    public const int OutputBytes = 4096;

    /// <summary>Bytes of a probe's program and arguments, or of its text for a shell, at most.</summary>
    public const int CommandBytes = 8192;

    /// <summary>The shortest interval and time-out.</summary>
    public const int ShortestMs = 1_000;

    /// <summary>The longest of all times.</summary>
    public const int LongestMs = 3_600_000;

    /// <summary>Failures in a row until a machine is unhealthy at most.</summary>
    public const int MostRetries = 100;

    /// <summary>Of <see cref="HealthCheck.Interval"/> and <see cref="HealthCheck.Timeout"/>.</summary>
    public const int DefaultMs = 30_000;

    /// <summary>Of <see cref="HealthCheck.StartInterval"/>.</summary>
    public const int DefaultStartIntervalMs = 5_000;

    /// <summary>Of <see cref="HealthCheck.Retries"/>.</summary>
    public const int DefaultRetries = 3;
}
