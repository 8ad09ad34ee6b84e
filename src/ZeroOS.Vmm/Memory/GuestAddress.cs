namespace ZeroOS.Vmm.Memory;

/// <summary>A guest physical address in bytes. Never a host pointer, never a plain number.</summary>
internal readonly record struct GuestAddress(ulong Value)
{
    /// <summary>
    /// The address <paramref name="bytes"/> further on. Wraps like the arithmetic of the guest: whoever uses the sum has it checked by
    /// <see cref="GuestMemory"/>.
    /// </summary>
    public GuestAddress Plus(ulong bytes) => new(unchecked(Value + bytes));

    /// <inheritdoc/>
    public override string ToString() => $"0x{Value:x}";
}
