namespace ZeroOS.Guest.Sessions;

/// <summary>
/// Bytes that one thread adds and another takes, in order. It holds <paramref name="capacity"/> at most: who adds has been granted the room before.
/// Thread-safe.
/// </summary>
internal sealed class ByteQueue(int capacity)
{
    private readonly byte[] _bytes = new byte[capacity];
    private readonly Lock _lock = new();
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

    /// <summary>Adds bytes.</summary>
    /// <exception cref="InvalidOperationException">A fault of ours: there was no room for them.</exception>
    internal void Add(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            if (data.Length > _bytes.Length - _count)
                throw new InvalidOperationException($"{data.Length} bytes more than the {_count} of {_bytes.Length} that wait");
            int end = (_start + _count) % _bytes.Length;
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
            _start = (_start + count) % _bytes.Length;
            _count -= count;
        }
    }
}
