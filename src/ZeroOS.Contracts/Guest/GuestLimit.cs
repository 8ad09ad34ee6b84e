namespace ZeroOS.Contracts.Guest;

/// <summary>One limit of a process (setrlimit(2)); -1 is none.</summary>
public sealed record GuestLimit
{
    /// <summary>The kernel's number of it, 0 to 15.</summary>
    public required int Resource { get; init; }

    /// <summary>Where it begins.</summary>
    public required long Soft { get; init; }

    /// <summary>To what the process may raise it.</summary>
    public required long Hard { get; init; }
}
