namespace ZeroOS.Contracts.Sessions;

/// <summary>What runs in a machine: all that comes on channel 1 of a session of kind processes.</summary>
public sealed record ProcessList
{
    /// <summary>Processes at most.</summary>
    public const int Most = 1024;

    /// <summary>Bytes of its JSON at most.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>By their numbers.</summary>
    public required IReadOnlyList<ProcessEntry> Processes { get; init; }

    /// <summary>There are more than are told.</summary>
    public bool More { get; init; }
}
