using System.Buffers.Binary;

using ZeroOS.Vmm.Memory;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Virtio;

/// <summary>The driver's side of virtqueues over a byte array: what a guest would write, without a guest.</summary>
internal sealed class PlayedDriver
{
    private const int QueueBytes = 0x4000;
    private readonly byte[] _bytes;
    private readonly int[] _seenUsed = new int[4];
    private readonly ushort[] _available = new ushort[4];
    private readonly int[] _nextDescriptor = new int[4];
    private int _heap = 0x40000;

    public PlayedDriver(int sizeBytes = 1 << 21)
    {
        _bytes = GC.AllocateArray<byte>(sizeBytes, pinned: true);
        Memory = GuestMemory.Over(_bytes);
    }

    public GuestMemory Memory { get; }

    public byte[] Bytes => _bytes;

    public CountedInterrupt[] Interrupts { get; } = [new(), new(), new(), new()];

    public static QueueLayout Layout(int queue, ushort size) => new()
    {
        Size = size,
        Descriptors = (ulong)Base(queue),
        Available = (ulong)Base(queue) + 0x1000,
        Used = (ulong)Base(queue) + 0x2000,
        Enabled = true,
    };

    public VirtQueue Make(int queue, ushort size, ulong features = VirtioFeatures.Version1) =>
        VirtQueue.TryCreate(Memory, Layout(queue, size), size, features, Interrupts[queue])!;

    public ulong Allocate(int bytes)
    {
        if (_heap + bytes > _bytes.Length)
            _heap = 0x40000;
        int at = _heap;
        _heap += (bytes + 15) & ~15;
        return (ulong)at;
    }

    public void Descriptor(int queue, int index, ulong address, uint length, ushort flags, ushort next)
    {
        Span<byte> d = _bytes.AsSpan(Base(queue) + (index * 16));
        BinaryPrimitives.WriteUInt64LittleEndian(d, address);
        BinaryPrimitives.WriteUInt32LittleEndian(d[8..], length);
        BinaryPrimitives.WriteUInt16LittleEndian(d[12..], flags);
        BinaryPrimitives.WriteUInt16LittleEndian(d[14..], next);
    }

    public void MakeAvailable(int queue, ushort size, ushort head)
    {
        int ring = Base(queue) + 0x1000;
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(ring + 4 + (2 * (_available[queue] & (size - 1)))), head);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(ring + 2), ++_available[queue]);
    }

    /// <summary>Forgets what was sent and used: the device was reset.</summary>
    public void Restart()
    {
        Array.Clear(_available);
        Array.Clear(_seenUsed);
        Array.Clear(_nextDescriptor);
    }

    public void SetAvailableIndex(int queue, ushort index) => BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(Base(queue) + 0x1002), index);

    /// <summary>A chain of readable and writable buffers in fresh descriptors; returns its head and the address of each buffer.</summary>
    public (ushort Head, ulong[] Addresses) Send(int queue, ushort size, byte[][] readable, int[] writable)
    {
        int count = readable.Length + writable.Length;
        int first = _nextDescriptor[queue] + count > size ? 0 : _nextDescriptor[queue];
        _nextDescriptor[queue] = first + count;
        var addresses = new ulong[count];
        for (int i = 0; i < count; i++)
        {
            bool write = i >= readable.Length;
            int length = write ? writable[i - readable.Length] : readable[i].Length;
            addresses[i] = Allocate(length);
            if (!write)
                readable[i].CopyTo(_bytes, (int)addresses[i]);
            Descriptor(queue, first + i, addresses[i], (uint)length, (ushort)((i + 1 < count ? 1 : 0) | (write ? 2 : 0)), (ushort)(first + i + 1));
        }
        MakeAvailable(queue, size, (ushort)first);
        return ((ushort)first, addresses);
    }

    public List<(uint Head, uint Length)> TakeUsed(int queue, ushort size)
    {
        int ring = Base(queue) + 0x2000;
        ushort index = BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(ring + 2));
        var used = new List<(uint, uint)>();
        while ((ushort)_seenUsed[queue] != index)
        {
            int at = ring + 4 + (8 * (_seenUsed[queue] & (size - 1)));
            used.Add((BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(at)), BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(at + 4))));
            _seenUsed[queue]++;
        }
        return used;
    }

    private static int Base(int queue) => 0x1000 + (queue * QueueBytes);
}
