namespace ZeroOS.Contracts.Deployments;

/// <summary>
/// How a machine's program is asked whether it is well, in Docker's words. At most one way of asking; with none the image's own check is meant. A time or
/// number that is left out is the image's, else Docker's.
/// </summary>
public sealed record HealthCheck
{
    /// <summary>A program and its arguments that runs beside the workload's; exit code 0 is well.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>The same as text for the image's shell, /bin/sh if it names none.</summary>
    public string? Shell { get; init; }

    /// <summary>A question by HTTP.</summary>
    public HttpCheck? Http { get; init; }

    /// <summary>A TCP connection.</summary>
    public TcpCheck? Tcp { get; init; }

    /// <summary>There is no check, whatever the image says.</summary>
    public bool None { get; init; }

    /// <summary>From the end of one probe to the next, "30s": 1 s to 1 hour.</summary>
    public string? Interval { get; init; }

    /// <summary>How long a probe may take, "30s": 1 s to 1 hour.</summary>
    public string? Timeout { get; init; }

    /// <summary>Probes that fail in a row until the machine is unhealthy: 3; 1 to 100.</summary>
    public int? Retries { get; init; }

    /// <summary>How long failures do not count as long as no probe has succeeded, "0s": at most 1 hour.</summary>
    public string? StartPeriod { get; init; }

    /// <summary>The interval in that time, "5s": 1 s to 1 hour.</summary>
    public string? StartInterval { get; init; }

    /// <summary>What the node does with an unhealthy machine.</summary>
    public UnhealthyAction OnUnhealthy { get; set; } = UnhealthyAction.None;
}
