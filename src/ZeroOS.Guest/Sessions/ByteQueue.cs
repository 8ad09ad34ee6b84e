using System.Numerics;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// Bytes that one thread adds and another takes, in order. It holds <paramref name="capacity"/> at most: who adds has been granted the room before. It takes
/// memory for what has waited at once. Thread-safe.
/// </summary>
internal sealed class ByteQueue(int capacity)
{
    private const int LeastBytes = 4096;

    private readonly Lock _lock = new();
    private byte[] _bytes = [];
    private int _capacity = capacity;
    private int _start;
    private int _count;

    /// <summary>The oldest bytes that lie in one piece, empty when there are none; they stay until <see cref="Drop"/>.</summary>
    internal ReadOnlySpan<byte> Oldest
    {
        get
        {
            lock (_lock)
                return _bytes.AsSpan(_start, Math.Min(_count, _bytes.Length - _start));
        }
    }

    /// <summary>It may hold so many bytes from now on, not fewer than before.</summary>
    internal void Grow(int capacity)
    {
        lock (_lock)
            _capacity = Math.Max(_capacity, capacity);
    }

    /// <summary>Adds bytes.</summary>
    /// <exception cref="InvalidOperationException">A fault of ours: there was no room for them.</exception>
    internal void Add(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            if (data.Length > _capacity - _count)
                throw new InvalidOperationException($"{data.Length} bytes more than the {_count} of {_capacity} that wait");
            if (data.Length > _bytes.Length - _count)
                Enlarge(_count + data.Length);
            int end = (_start + _count) % Math.Max(_bytes.Length, 1);
            int head = Math.Min(data.Length, _bytes.Length - end);
            data[..head].CopyTo(_bytes.AsSpan(end));
            data[head..].CopyTo(_bytes);
            _count += data.Length;
        }
    }

    /// <summary>Forgets the oldest <paramref name="count"/> bytes.</summary>
    internal void Drop(int count)
    {
        lock (_lock)
        {
            _start = (_start + count) % Math.Max(_bytes.Length, 1);
            _count -= count;
        }
    }

    // Whoever looks at the oldest bytes meanwhile looks at the old memory, which nobody writes any more.
    private void Enlarge(int least)
    {
        byte[] bytes = new byte[Math.Min(_capacity, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(least, LeastBytes)))];
        int head = Math.Min(_count, _bytes.Length - _start);
        _bytes.AsSpan(_start, head).CopyTo(bytes);
        _bytes.AsSpan(0, _count - head).CopyTo(bytes.AsSpan(head));
        (_bytes, _start) = (bytes, 0);
    }
}
