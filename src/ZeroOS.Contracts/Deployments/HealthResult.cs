namespace ZeroOS.Contracts.Deployments;

/// <summary>One probe of a machine's health.</summary>
public sealed record HealthResult
{
    /// <summary>1, 2, 3, ... since the machine's program began.</summary>
    public required long Number { get; init; }

    /// <summary>When it began, by the guest's clock.</summary>
    public required DateTimeOffset Start { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset End { get; init; }

    /// <summary>0: well. -1: it took too long, or could not run. Otherwise the program's exit code, or 1 of a probe by zguest itself.</summary>
    public required int ExitCode { get; init; }

    /// <summary>What it said, its errors included: the first <see cref="HealthLimits.OutputBytes"/>.</summary>
    public required string Output { get; init; }
}
