namespace ZeroOS.Contracts.Guest;

/// <summary>Stop with grace.</summary>
public sealed record GuestStop
{
    /// <summary>"SIGTERM" or a number; null: the spec's.</summary>
    public string? Signal { get; init; }

    /// <summary>Milliseconds until SIGKILL.</summary>
    public required int GraceMs { get; init; }
}
