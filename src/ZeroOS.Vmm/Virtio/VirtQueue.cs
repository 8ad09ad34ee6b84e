using ZeroOS.Vmm.Memory;

namespace ZeroOS.Vmm.Virtio;

/// <summary>
/// The device's side of a split virtqueue (virtio 1.2, 2.7). Addresses are checked once, when it is made, and never change. Used by the event loop only.
/// </summary>
internal sealed unsafe class VirtQueue
{
    private const int RingHeader = 4, UsedElement = 8;
    private readonly GuestMemory _memory;
    private readonly IInterrupt _interrupt;
    private readonly byte* _descriptors;
    private readonly byte* _available;
    private readonly byte* _used;
    private readonly bool _eventIndex;
    private readonly bool _indirect;
    private ushort _nextAvailable;
    private ushort _nextUsed;
    private ushort _signalled;

    private VirtQueue(GuestMemory memory, IInterrupt interrupt, ushort size, byte* descriptors, byte* available, byte* used, ulong features)
    {
        _memory = memory;
        _interrupt = interrupt;
        Size = size;
        _descriptors = descriptors;
        _available = available;
        _used = used;
        _eventIndex = (features & VirtioFeatures.EventIndex) != 0;
        _indirect = (features & VirtioFeatures.Indirect) != 0;
    }

    /// <summary>Entries, a power of two.</summary>
    public ushort Size { get; }

    /// <summary>Makes a queue from what the driver said; null when sizes, alignment or ranges are wrong.</summary>
    public static VirtQueue? TryCreate(GuestMemory memory, in QueueLayout layout, ushort maxSize, ulong features, IInterrupt interrupt)
    {
        ulong n = layout.Size;
        bool shaped = n != 0 && n <= maxSize && (n & (n - 1)) == 0 && layout.Descriptors % 16 == 0 && layout.Available % 2 == 0 && layout.Used % 4 == 0;
        return shaped
            && memory.TryPointer(new GuestAddress(layout.Descriptors), 16 * n, out byte* descriptors)
            && memory.TryPointer(new GuestAddress(layout.Available), RingHeader + (2 * n) + 2, out byte* available)
            && memory.TryPointer(new GuestAddress(layout.Used), RingHeader + (UsedElement * n) + 2, out byte* used)
            ? new VirtQueue(memory, interrupt, (ushort)n, descriptors, available, used, features) : null;
    }

    /// <summary>Takes the next chain the driver made available.</summary>
    public PopResult TryPop(DescriptorChain chain)
    {
        // Pairs with the driver's release of the index: the ring entry and the descriptors were written before it.
        ushort available = Volatile.Read(ref *(ushort*)(_available + 2));
        if (available == _nextAvailable)
            return PopResult.Empty;
        if ((ushort)(available - _nextAvailable) > Size)
            return PopResult.Broken;
        ushort head = *(ushort*)(_available + RingHeader + (2 * (_nextAvailable & (Size - 1))));
        if (head >= Size || !chain.TryTake(_memory, _descriptors, Size, head, _indirect))
            return PopResult.Broken;
        _nextAvailable++;
        return PopResult.Chain;
    }

    /// <summary>Gives back the chain taken last, unread: the next <see cref="TryPop"/> takes it again. Only while nothing else was popped since.</summary>
    public void Unpop() => _nextAvailable--;

    /// <summary>Returns a chain to the driver with the bytes written to it. The driver hears of it with <see cref="Flush"/>.</summary>
    public void Push(ushort head, uint written)
    {
        uint* element = (uint*)(_used + RingHeader + (UsedElement * (_nextUsed & (Size - 1))));
        element[0] = head;
        element[1] = written;
        _nextUsed++;
        // Pairs with the driver's acquire of the index: element and data are there before it.
        Volatile.Write(ref *(ushort*)(_used + 2), _nextUsed);
    }

    /// <summary>Interrupts the driver if something was returned since the last time and it wants to hear of it (2.7.7).</summary>
    public void Flush()
    {
        if (_nextUsed == _signalled)
            return;
        ushort old = _signalled;
        _signalled = _nextUsed;
        // The driver writes its wish, then looks at the index; we wrote the index, and look at its wish only after a full fence.
        Interlocked.MemoryBarrier();
        bool wanted;
        if (_eventIndex)
        {
            ushort wish = Volatile.Read(ref *(ushort*)(_available + RingHeader + (2 * Size)));
            wanted = (ushort)(_nextUsed - wish - 1) < (ushort)(_nextUsed - old);
        }
        else
        {
            wanted = (Volatile.Read(ref *(ushort*)_available) & 1) == 0;
        }
        if (wanted)
            _interrupt.Signal();
    }

    /// <summary>Asks for notifications before going to sleep; false when something became available meanwhile and must be taken first.</summary>
    public bool TryAwaitNotification()
    {
        if (_eventIndex)
            Volatile.Write(ref *(ushort*)(_used + RingHeader + (UsedElement * Size)), _nextAvailable);
        // Our wish before their index: the driver does it the other way round, so one of the two sees the other.
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref *(ushort*)(_available + 2)) == _nextAvailable;
    }
}
