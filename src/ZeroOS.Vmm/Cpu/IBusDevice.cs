namespace ZeroOS.Vmm.Cpu;

/// <summary>
/// Something a processor reaches by reading and writing addresses or ports. Called on processor threads, several at once: what it does is short, never
/// blocks and never throws for anything a guest can write. Offsets are from the start of its range; data is 1, 2, 4 or 8 bytes.
/// </summary>
internal interface IBusDevice
{
    /// <summary>Answers a read by filling <paramref name="data"/>, which holds ones (nothing there) when it is called.</summary>
    void Read(ulong offset, Span<byte> data);

    /// <summary>Takes a write.</summary>
    void Write(ulong offset, ReadOnlySpan<byte> data);
}
