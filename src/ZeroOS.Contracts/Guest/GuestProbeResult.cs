using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Guest;

/// <summary>One probe of the workload's health.</summary>
public sealed record GuestProbeResult
{
    /// <summary>1, 2, 3, ... since the workload began.</summary>
    public required long Number { get; init; }

    /// <summary>When it began, by the guest's clock, milliseconds since 1970.</summary>
    public required long StartMs { get; init; }

    /// <summary>When it ended.</summary>
    public required long EndMs { get; init; }

    /// <summary>0: well; -1: it took too long, or could not run; otherwise 1 to 255.</summary>
    public required int ExitCode { get; init; }

    /// <summary>What it said, at most <see cref="HealthLimits.OutputBytes"/>.</summary>
    public byte[] Output { get; set; } = [];
}
