using ZeroOS.Linux;
using ZeroOS.Vmm.Cpu;

namespace ZeroOS.Vmm.Pci;

/// <summary>The root complex: one bus, configuration space by ECAM only (4 KiB a function, 8 functions a slot; only function 0 exists).</summary>
internal sealed unsafe class PciRoot : IBusDevice
{
    /// <summary>Bytes of one slot's functions.</summary>
    public const int SlotBytes = 1 << SlotShift;

    private const int Slots = 32, FunctionBytes = 4096, SlotShift = 15;
    private readonly MemoryMapping? _image;
    private readonly PciFunction?[] _functions = new PciFunction?[Slots];
    private int _count;

    /// <summary>
    /// A root whose first slots are also kept in <paramref name="image"/>, whole slots long: given to the guest as memory it cannot write, most of what a
    /// kernel does to find devices (two hundred reads each) costs no exit. Without an image every read is one.
    /// </summary>
    public PciRoot(MemoryMapping? image = null)
    {
        _image = image;
        // SAFETY: the mapping is as long as it says, and writable.
        if (image != null)
            new Span<byte>(image.Pointer, (int)image.Size).Fill(0xff);
    }

    /// <summary>Puts a function into the next slot.</summary>
    public void Add(PciFunction function)
    {
        long at = (long)_count * SlotBytes;
        if (_image != null && at < _image.Size)
        {
            // SAFETY: the image ends with a whole slot, so function 0 of this slot lies inside; it lives as long as this root and its functions.
            new Span<byte>(_image.Pointer + at, FunctionBytes).Clear();
            function.KeepCopyAt(_image.Pointer + at);
        }
        _functions[_count++] = function;
    }

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
