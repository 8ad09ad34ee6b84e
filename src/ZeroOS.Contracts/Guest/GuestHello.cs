namespace ZeroOS.Contracts.Guest;

/// <summary>First words of a guest.</summary>
public sealed record GuestHello
{
    /// <summary>Protocol version, 1.</summary>
    public required int Version { get; init; }

    /// <summary>Whether it already has its spec (the connection is a new one).</summary>
    public required bool HasSpec { get; init; }

    /// <summary>Whether the workload runs.</summary>
    public required bool Running { get; init; }

    /// <summary>The machine's secret, if it has its spec.</summary>
    public byte[]? Secret { get; init; }

    /// <summary>Guest kernel time at zguest's first line, in microseconds.</summary>
    public long BootUs { get; init; }
}
