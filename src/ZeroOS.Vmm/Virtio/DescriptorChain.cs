using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using ZeroOS.Linux;
using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Virtio;

/// <summary>
/// One buffer of the driver (virtio 1.2, 2.7.4 and on): the pieces the device may read, then those it may write. Each descriptor is read once and
/// every piece is inside guest memory, so the guest cannot change under the device what was checked. Reused: a queue fills it, nothing is allocated.
/// </summary>
internal sealed unsafe class DescriptorChain
{
    private const ushort NextFlag = 1, WriteFlag = 2, IndirectFlag = 4;
    private readonly MemoryPart[] _parts;
    private int _count;
    private int _readable;

    /// <summary>A chain that can hold <paramref name="maxParts"/> pieces: the size of the queue.</summary>
    public DescriptorChain(int maxParts) => _parts = GC.AllocateArray<MemoryPart>(maxParts, pinned: true);

    /// <summary>The first descriptor's index: what goes back to the driver.</summary>
    public ushort Head { get; private set; }

    /// <summary>Bytes the device may read.</summary>
    public ulong ReadableBytes { get; private set; }

    /// <summary>Bytes the device may write.</summary>
    public ulong WritableBytes { get; private set; }

    /// <summary>
    /// Takes the chain that begins at <paramref name="head"/>; false when it breaks a rule: a loop, outside memory, readable after writable, nested
    /// indirection.
    /// </summary>
    public bool TryTake(GuestMemory memory, byte* table, ushort tableSize, ushort head, bool indirectAllowed)
    {
        (_count, _readable, ReadableBytes, WritableBytes, Head) = (0, 0, 0, 0, head);
        uint size = tableSize, index = head;
        bool inside = false;
        for (int steps = 0; ; steps++)
        {
            // One step more than pieces: the one that leads into an indirect table, which may itself be as long as the queue.
            if (index >= size || steps > _parts.Length)
                return false;
            Descriptor d = Unsafe.ReadUnaligned<Descriptor>(table + (index * sizeof(Descriptor)));
            if ((d.Flags & IndirectFlag) != 0)
            {
                uint entries = d.Length / (uint)sizeof(Descriptor);
                if (!indirectAllowed || inside || (d.Flags & NextFlag) != 0 || d.Length % (uint)sizeof(Descriptor) != 0 || entries == 0
                    || entries > _parts.Length || !memory.TryPointer(new GuestAddress(d.Address), d.Length, out table))
                    return false;
                (inside, size, index) = (true, entries, 0);
                continue;
            }
            if (!TryAdd(memory, d))
                return false;
            if ((d.Flags & NextFlag) == 0)
                return true;
            index = d.Next;
        }
    }

    /// <summary>
    /// The pieces from readable byte <paramref name="skip"/> on, at most <paramref name="length"/> bytes, in the kernel's layout; returns how many.
    /// </summary>
    public int Readable(ulong skip, ulong length, MemoryPart* target, int max) => Collect(0, _readable, skip, length, target, max);

    /// <summary>The pieces from writable byte <paramref name="skip"/> on, as <see cref="Readable"/>.</summary>
    public int Writable(ulong skip, ulong length, MemoryPart* target, int max) => Collect(_readable, _count, skip, length, target, max);

    /// <summary>Copies a value out of the readable part.</summary>
    public bool TryRead<T>(ulong offset, out T value) where T : unmanaged
    {
        value = default;
        return Read(offset, MemoryMarshal.AsBytes(new Span<T>(ref value))) == sizeof(T);
    }

    /// <summary>Copies readable bytes out and returns how many there were.</summary>
    public int Read(ulong offset, Span<byte> target)
    {
        int done = 0;
        for (int i = 0; i < _readable && done < target.Length; i++)
        {
            MemoryPart p = _parts[i];
            if (offset >= p.Length)
            {
                offset -= p.Length;
                continue;
            }
            int n = (int)Math.Min(p.Length - offset, (ulong)(target.Length - done));
            // SAFETY: n bytes from offset lie in a piece that was checked against guest memory when the chain was taken.
            new ReadOnlySpan<byte>(p.Pointer + offset, n).CopyTo(target[done..]);
            done += n;
            offset = 0;
        }
        return done;
    }

    /// <summary>Copies bytes into the writable part and returns how many fitted.</summary>
    public int Write(ulong offset, ReadOnlySpan<byte> source)
    {
        int done = 0;
        for (int i = _readable; i < _count && done < source.Length; i++)
        {
            MemoryPart p = _parts[i];
            if (offset >= p.Length)
            {
                offset -= p.Length;
                continue;
            }
            int n = (int)Math.Min(p.Length - offset, (ulong)(source.Length - done));
            // SAFETY: as in Read.
            source.Slice(done, n).CopyTo(new Span<byte>(p.Pointer + offset, n));
            done += n;
            offset = 0;
        }
        return done;
    }

    private bool TryAdd(GuestMemory memory, in Descriptor d)
    {
        bool writable = (d.Flags & WriteFlag) != 0;
        if (d.Length == 0)
            return true;
        if (_count == _parts.Length || (!writable && _count > _readable) || !memory.TryPointer(new GuestAddress(d.Address), d.Length, out byte* p))
            return false;
        _parts[_count++] = new MemoryPart(p, d.Length);
        if (writable)
        {
            WritableBytes += d.Length;
        }
        else
        {
            _readable = _count;
            ReadableBytes += d.Length;
        }
        return true;
    }

    private int Collect(int from, int to, ulong skip, ulong length, MemoryPart* target, int max)
    {
        int count = 0;
        for (int i = from; i < to && length > 0 && count < max; i++)
        {
            MemoryPart p = _parts[i];
            if (skip >= p.Length)
            {
                skip -= p.Length;
                continue;
            }
            ulong n = Math.Min(p.Length - skip, length);
            target[count++] = new MemoryPart(p.Pointer + skip, (nuint)n);
            length -= n;
            skip = 0;
        }
        return count;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Descriptor
    {
        internal ulong Address;
        internal uint Length;
        internal ushort Flags, Next;
    }
}
