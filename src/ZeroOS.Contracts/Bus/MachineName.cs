namespace ZeroOS.Contracts.Bus;

/// <summary>Names one machine.</summary>
public sealed record MachineName
{
    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }
}
