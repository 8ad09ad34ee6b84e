using System.Runtime.CompilerServices;

using ZeroOS.Linux;

namespace ZeroOS.Vmm.Memory;

/// <summary>
/// The guest's memory, and the only place that turns guest addresses into pointers: each access is inside RAM or refused. RAM lies below the hole that
/// begins at <see cref="Boot.Layout.MmioStart"/>, and the rest from 4 GiB on.
/// </summary>
internal sealed unsafe class GuestMemory
{
    private const ulong PageBytes = 4096;
    private readonly byte* _base;
    private readonly object _owner;

    private GuestMemory(byte* start, ulong size, object owner)
    {
        _base = start;
        _owner = owner;
        Size = size;
        LowSize = Math.Min(size, Boot.Layout.MmioStart);
        HighSize = size - LowSize;
    }

    /// <summary>Bytes in all.</summary>
    public ulong Size { get; }

    /// <summary>Bytes from address 0.</summary>
    public ulong LowSize { get; }

    /// <summary>Bytes from 4 GiB.</summary>
    public ulong HighSize { get; }

    /// <summary>Where the low part is in this process.</summary>
    public byte* Low => _base;

    /// <summary>Where the high part is in this process.</summary>
    public byte* High => _base + LowSize;

    /// <summary>
    /// Memory for a guest; pages are taken when touched, 2 MiB at a time where the host has them: a guest's boot touches thousands of small pages, and each
    /// costs a fault of the processor and one of the host.
    /// </summary>
    public static GuestMemory Allocate(long sizeBytes)
    {
        MemoryMapping mapping = MemoryMapping.Anonymous(sizeBytes);
        mapping.PreferHugePages();
        return new GuestMemory(mapping.Pointer, (ulong)sizeBytes, mapping);
    }

    /// <summary>Memory over a pinned array (<c>GC.AllocateArray(pinned: true)</c>), for a driver that is played, not run.</summary>
    public static GuestMemory Over(byte[] pinned) => new((byte*)Unsafe.AsPointer(ref pinned[0]), (ulong)pinned.Length, pinned);

    /// <summary>The pointer to <paramref name="length"/> bytes at <paramref name="address"/>, if all of them are RAM without a gap.</summary>
    public bool TryPointer(GuestAddress address, ulong length, out byte* pointer)
    {
        const ulong FourGiB = 1UL << 32;
        ulong a = address.Value;
        pointer = null;
        // SAFETY: only subtractions that cannot wrap; a pointer is only formed to a range inside one of the two parts.
        if (a < LowSize && length <= LowSize - a)
            pointer = _base + a;
        else if (a >= FourGiB && a - FourGiB < HighSize && length <= HighSize - (a - FourGiB))
            pointer = High + (a - FourGiB);
        return pointer != null;
    }

    /// <summary>The bytes at <paramref name="address"/> as a span.</summary>
    public bool TrySlice(GuestAddress address, int length, out Span<byte> bytes)
    {
        bool inside = TryPointer(address, (ulong)length, out byte* p);
        bytes = inside ? new Span<byte>(p, length) : default;
        return inside;
    }

    /// <summary>Copies a value out, once: the guest cannot change it afterwards.</summary>
    public bool TryRead<T>(GuestAddress address, out T value) where T : unmanaged
    {
        bool inside = TryPointer(address, (ulong)sizeof(T), out byte* p);
        value = inside ? Unsafe.ReadUnaligned<T>(p) : default;
        return inside;
    }

    /// <summary>Writes a value.</summary>
    public bool TryWrite<T>(GuestAddress address, T value) where T : unmanaged
    {
        bool inside = TryPointer(address, (ulong)sizeof(T), out byte* p);
        if (inside)
            Unsafe.WriteUnaligned(p, value);
        return inside;
    }

    /// <summary>Writes bytes that boot code places; outside RAM is an error of the configuration (too little memory).</summary>
    /// <exception cref="Boot.BootException">The range is not RAM.</exception>
    public void Place(ulong address, ReadOnlySpan<byte> bytes, string what)
    {
        if (!TrySlice(new GuestAddress(address), bytes.Length, out Span<byte> target))
            throw new Boot.BootException($"{what} does not fit into the guest's memory at 0x{address:x}");
        bytes.CopyTo(target);
    }

    /// <summary>Reads part of a file to <paramref name="address"/>.</summary>
    /// <exception cref="Boot.BootException">The range is not RAM, or the file ends before.</exception>
    public void PlaceFile(ulong address, FileDescriptor file, long offset, ulong length, string what)
    {
        if (!TryPointer(new GuestAddress(address), length, out byte* p))
            throw new Boot.BootException($"{what} does not fit into the guest's memory at 0x{address:x}");
        while (length > 0)
        {
            int part = (int)Math.Min(length, 1 << 30);
            Errno e = file.TryReadAt(new Span<byte>(p, part), offset, out int n);
            if (e != Errno.None || n == 0)
                throw new Boot.BootException($"{what} cannot be read: {(e == Errno.None ? "the file ends early" : e.ToString())}");
            p += n;
            offset += n;
            length -= (ulong)n;
        }
    }

    /// <summary>
    /// Gives the whole pages of a range back to the host and returns their bytes; the guest reads zeros there until it writes again. The guest's memory is
    /// private and anonymous, so the host's kernel forgets the pages (MADV_DONTNEED) and takes them out of the guest's page tables itself.
    /// </summary>
    public ulong GiveBack(MemoryPart part)
    {
        // SAFETY: a part was checked to lie in this memory when it was made, so the offset is inside and nothing here wraps.
        ulong start = (ulong)(part.Pointer - _base);
        ulong from = (start + PageBytes - 1) & ~(PageBytes - 1), to = (start + part.Length) & ~(PageBytes - 1);
        if (to <= from)
            return 0;
        if (_owner is not MemoryMapping mapping)
            new Span<byte>(_base + from, (int)(to - from)).Clear();
        else if (mapping.TryGiveBack((long)from, (long)(to - from)) != Errno.None)
            return 0;
        return to - from;
    }

    /// <summary>Keeps the memory mapped until here.</summary>
    public void KeepAlive() => GC.KeepAlive(_owner);
}
