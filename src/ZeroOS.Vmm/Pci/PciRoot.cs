using ZeroOS.Vmm.Cpu;

namespace ZeroOS.Vmm.Pci;

/// <summary>The root complex: one bus, configuration space by ECAM only (4 KiB a function, 8 functions a slot; only function 0 exists).</summary>
internal sealed class PciRoot : IBusDevice
{
    private const int Slots = 32, FunctionBytes = 4096, SlotShift = 15;
    private readonly PciFunction?[] _functions = new PciFunction?[Slots];
    private int _count;

    /// <summary>Puts a function into the next slot.</summary>
    public void Add(PciFunction function) => _functions[_count++] = function;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => Find(offset)?.ReadConfig((int)(offset % FunctionBytes), data);

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data) => Find(offset)?.WriteConfig((int)(offset % FunctionBytes), data);

    private PciFunction? Find(ulong offset)
    {
        ulong slot = offset >> SlotShift;
        bool functionZero = ((offset / FunctionBytes) & 7) == 0;
        return slot < Slots && functionZero ? _functions[slot] : null;
    }
}
