using System.Buffers.Binary;

using ZeroOS.Vmm.Cpu;

namespace ZeroOS.Vmm.Pci;

/// <summary>The MSI-X table and pending bits of one function (PCI 3.0, 6.8.2). Accesses that are not aligned doublewords or quadwords are ignored.</summary>
internal sealed class MsixTable : IBusDevice
{
    /// <summary>Bytes of an entry; where the pending bits are in this device's range.</summary>
    public const int EntrySize = 16, PendingOffset = 0x1000;

    private readonly Entry[] _entries;
    private readonly MessageVector[] _vectors;
    private readonly InterruptRoutes? _routes;
    private readonly Lock _gate = new();
    private bool _enabled;
    private bool _functionMasked;

    /// <summary>A table of <paramref name="count"/> vectors, all masked; without routes (a played driver) messages only set their event.</summary>
    public MsixTable(int count, InterruptRoutes? routes)
    {
        _routes = routes;
        _entries = new Entry[count];
        _vectors = new MessageVector[count];
        for (int i = 0; i < count; i++)
        {
            _entries[i].Masked = true;
            _vectors[i] = new MessageVector();
            _vectors[i].Gsi = routes?.Add(_vectors[i].Event) ?? 0;
        }
    }

    /// <summary>Vectors in the table.</summary>
    public int Count => _entries.Length;

    /// <summary>Sends vector <paramref name="index"/>; numbers outside the table (0xffff: none) do nothing.</summary>
    public void Signal(int index)
    {
        if ((uint)index < (uint)_vectors.Length)
            _vectors[index].Signal();
    }

    /// <summary>The event of a vector, for a played driver.</summary>
    public ZeroOS.Linux.EventFd EventOf(int index) => _vectors[index].Event;

    /// <summary>The enable and function mask bits of the capability changed.</summary>
    public void SetControl(bool enabled, bool functionMasked)
    {
        lock (_gate)
        {
            _enabled = enabled;
            _functionMasked = functionMasked;
            for (int i = 0; i < _entries.Length; i++)
                Apply(i);
        }
    }

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data)
    {
        if (data.Length is not (4 or 8) || offset % (ulong)data.Length != 0)
            return;
        lock (_gate)
        {
            for (int at = 0; at < data.Length; at += 4)
                BinaryPrimitives.WriteUInt32LittleEndian(data[at..], ReadWord(offset + (ulong)at));
        }
    }

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (data.Length is not (4 or 8) || offset % (ulong)data.Length != 0)
            return;
        lock (_gate)
        {
            for (int at = 0; at < data.Length; at += 4)
                WriteWord(offset + (ulong)at, BinaryPrimitives.ReadUInt32LittleEndian(data[at..]));
        }
    }

    private uint ReadWord(ulong offset)
    {
        if (offset >= PendingOffset)
        {
            uint bits = 0;
            for (int i = 0; offset == PendingOffset && i < Math.Min(32, _vectors.Length); i++)
                bits |= _vectors[i].Pending ? 1u << i : 0;
            return bits;
        }
        ulong index = offset / EntrySize;
        if (index >= (ulong)_entries.Length)
            return 0;
        ref Entry e = ref _entries[index];
        return (offset % EntrySize) switch { 0 => (uint)e.Address, 4 => (uint)(e.Address >> 32), 8 => e.Data, _ => e.Masked ? 1u : 0 };
    }

    private void WriteWord(ulong offset, uint value)
    {
        ulong index = offset / EntrySize;
        if (index >= (ulong)_entries.Length)
            return;
        ref Entry e = ref _entries[index];
        switch (offset % EntrySize)
        {
            case 0:
                e.Address = (e.Address & 0xffffffff_00000000) | (value & ~3u);
                break;
            case 4:
                e.Address = (uint)e.Address | ((ulong)value << 32);
                break;
            case 8:
                e.Data = value;
                break;
            default:
                e.Masked = (value & 1) != 0;
                break;
        }
        Apply((int)index);
    }

    private void Apply(int index)
    {
        ref Entry e = ref _entries[index];
        bool open = _enabled && !_functionMasked && !e.Masked;
        // The route is set while the vector is still masked: the first interrupt must not take the old one.
        if (open)
            _routes?.Set(_vectors[index].Gsi, e.Address, e.Data);
        _vectors[index].SetMasked(!open);
    }

    private struct Entry
    {
        internal ulong Address;
        internal uint Data;
        internal bool Masked;
    }
}
