namespace ZeroOS.Contracts.Guest;

/// <summary>Nothing ran, and why.</summary>
public sealed record GuestFailure
{
    /// <summary>The step: "root", "volume data", "network", "user", "exec".</summary>
    public required string Stage { get; init; }

    /// <summary>A sentence.</summary>
    public required string Message { get; init; }

    /// <summary>Docker's code for it: 125 set-up, 126 not executable, 127 not found.</summary>
    public int Code { get; set; } = 125;
}
