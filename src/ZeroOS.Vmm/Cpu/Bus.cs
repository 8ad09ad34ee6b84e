namespace ZeroOS.Vmm.Cpu;

/// <summary>
/// Ranges of addresses or ports and the devices behind them. Filled while the machine is built, immutable while it runs; reads of nothing give ones.
/// </summary>
internal sealed class Bus
{
    private Entry[] _entries = [];

    /// <summary>Accesses that nothing answered.</summary>
    public long Unclaimed;

    /// <summary>Gives a range to a device.</summary>
    /// <exception cref="ArgumentException">The range overlaps another: a mistake in the recipe.</exception>
    public void Add(ulong start, ulong size, IBusDevice device)
    {
        foreach (Entry e in _entries)
        {
            if (start < e.Start + e.Size && e.Start < start + size)
                throw new ArgumentException($"bus ranges 0x{start:x} and 0x{e.Start:x} overlap");
        }
        _entries = [.. _entries.Append(new Entry(start, size, device)).OrderBy(e => e.Start)];
    }

    /// <summary>A processor's read.</summary>
    public void Read(ulong address, Span<byte> data)
    {
        data.Fill(0xff);
        if (TryFind(address, data.Length, out IBusDevice? device, out ulong offset))
            device!.Read(offset, data);
    }

    /// <summary>A processor's write.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> data)
    {
        if (TryFind(address, data.Length, out IBusDevice? device, out ulong offset))
            device!.Write(offset, data);
    }

    private bool TryFind(ulong address, int length, out IBusDevice? device, out ulong offset)
    {
        int low = 0, high = _entries.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            ref readonly Entry e = ref _entries[middle];
            if (address < e.Start)
                high = middle - 1;
            else if (address - e.Start >= e.Size)
                low = middle + 1;
            else
            {
                offset = address - e.Start;
                device = e.Device;
                return (ulong)length <= e.Size - offset;
            }
        }
        Interlocked.Increment(ref Unclaimed);
        device = null;
        offset = 0;
        return false;
    }

    private readonly record struct Entry(ulong Start, ulong Size, IBusDevice Device);
}
