namespace ZeroOS.Linux;

/// <summary>A set of capabilities; bit n is capability n.</summary>
public readonly record struct CapabilitySet(ulong Bits)
{
    /// <summary>A set of the given ones.</summary>
    public CapabilitySet(IEnumerable<Capability> capabilities) : this(capabilities.Aggregate(0UL, (bits, c) => bits | (1UL << (int)c)))
    {
    }

    /// <summary>Whether it holds <paramref name="capability"/>.</summary>
    public bool Contains(Capability capability) => (Bits & (1UL << (int)capability)) != 0;
}
