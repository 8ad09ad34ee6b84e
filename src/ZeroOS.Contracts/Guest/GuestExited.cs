namespace ZeroOS.Contracts.Guest;

/// <summary>The workload ended.</summary>
public sealed record GuestExited
{
    /// <summary>Its exit code, or 128 plus the signal; 126 and 127 as Docker.</summary>
    public required int Code { get; init; }

    /// <summary>The signal, or 0.</summary>
    public int Signal { get; init; }

    /// <summary>The kernel killed it for want of memory.</summary>
    public bool OutOfMemory { get; init; }
}
