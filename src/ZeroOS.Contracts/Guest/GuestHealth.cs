using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Guest;

/// <summary>How zguest asks whether the workload is well, merged from image and deployment already. Exactly one of the first three is there.</summary>
public sealed record GuestHealth
{
    /// <summary>A program and its arguments, run as the workload's user with its environment and working directory.</summary>
    public IReadOnlyList<string>? Arguments { get; init; }

    /// <summary>A question by HTTP.</summary>
    public HttpCheck? Http { get; init; }

    /// <summary>A TCP connection.</summary>
    public TcpCheck? Tcp { get; init; }

    /// <summary>Milliseconds from the end of a probe to the next.</summary>
    public required int IntervalMs { get; init; }

    /// <summary>Milliseconds that a probe may take.</summary>
    public required int TimeoutMs { get; init; }

    /// <summary>Failures in a row until the workload is unhealthy.</summary>
    public required int Retries { get; init; }

    /// <summary>Milliseconds from the workload's start in which failures do not count as long as no probe has succeeded.</summary>
    public required int StartPeriodMs { get; init; }

    /// <summary>The interval in that time.</summary>
    public required int StartIntervalMs { get; init; }
}
