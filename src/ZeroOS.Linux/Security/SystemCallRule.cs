namespace ZeroOS.Linux.Security;

/// <summary>What an argument of a call must be: its bits under <paramref name="Mask"/> are one of <paramref name="Values"/>.</summary>
/// <param name="Index">0 to 5.</param>
public readonly record struct ArgumentRule(int Index, ulong Mask, IReadOnlyList<ulong> Values)
{
    /// <summary>One of the values. The kernel reads 32 bits of such an argument, so the others are not looked at.</summary>
    public static ArgumentRule OneOf(int index, params ulong[] values) => new(index, uint.MaxValue, values);

    /// <summary>None of the bits.</summary>
    public static ArgumentRule Without(int index, ulong bits) => new(index, bits, [0]);
}

/// <summary>
/// One row of a filter: a call, why it is needed, and what its arguments must be, all of them. Several rows of one call are alternatives. A row with an
/// <see cref="Answer"/> refuses with that errno instead, for callers that then do without.
/// </summary>
public sealed record SystemCallRule(SystemCall Call, string Reason, params ArgumentRule[] Arguments)
{
    /// <summary>None: the kernel does the call.</summary>
    public Errno Answer { get; init; }
}
