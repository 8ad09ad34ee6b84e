namespace ZeroOS.Contracts.Guest;

/// <summary>The workload runs.</summary>
public sealed record GuestStarted
{
    /// <summary>Guest kernel time in microseconds.</summary>
    public required long BootUs { get; init; }
}
