using ZeroOS.Contracts.Guest;

namespace ZeroOS.Guest.Output;

/// <summary>
/// The workload's last output: both streams in the order they came, under one offset that counts every byte since the start. While
/// somebody listens, a full ring makes the writer wait, so that nothing is lost; while nobody does, the oldest bytes give way. Thread-safe.
/// </summary>
internal sealed class OutputRing(int capacity, TimeSpan patience)
{
    /// <summary>Changes of stream remembered; more frequent ones cost old output, not memory.</summary>
    private const int MaxSegments = 16384;

    private readonly byte[] _bytes = new byte[capacity];
    private readonly (long Start, OutputStream Stream)[] _segments = new (long, OutputStream)[MaxSegments];
    private readonly object _lock = new();
    private int _firstSegment;
    private int _segmentCount;
    private long _start;
    private long _end;
    private long _listener = -1;

    /// <summary>Bytes that were overwritten before anybody had heard them, as far as listeners noticed.</summary>
    internal long Dropped { get; private set; }

    /// <summary>The offset after the newest byte.</summary>
    internal long End
    {
        get
        {
            lock (_lock)
                return _end;
        }
    }

    /// <summary>Somebody listens and has heard everything before <paramref name="offset"/>; -1: nobody listens.</summary>
    internal void Listen(long offset)
    {
        lock (_lock)
        {
            _listener = offset;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Adds output of a stream.</summary>
    internal void Append(OutputStream stream, ReadOnlySpan<byte> output)
    {
        while (!output.IsEmpty)
        {
            ReadOnlySpan<byte> piece = output[..Math.Min(output.Length, _bytes.Length)];
            output = output[piece.Length..];
            lock (_lock)
            {
                while (_listener >= 0 && _end + piece.Length - _bytes.Length > _listener)
                {
                    // A listener that hangs must not hang the workload for ever.
                    if (!Monitor.Wait(_lock, patience))
                        _listener = -1;
                }
                Add(stream, piece);
            }
        }
    }

    /// <summary>
    /// Copies output from <paramref name="offset"/> on, of one stream, at most the buffer; 0 when there is none yet. An offset that is gone, or was never
    /// there, is moved to the nearest that is.
    /// </summary>
    internal int Take(ref long offset, Span<byte> buffer, out OutputStream stream)
    {
        lock (_lock)
        {
            Dropped += Math.Max(0, _start - offset);
            offset = Math.Clamp(offset, _start, _end);
            stream = default;
            if (offset == _end)
                return 0;
            int i = _segmentCount - 1;
            while (_segments[(_firstSegment + i) % MaxSegments].Start > offset)
                i--;
            stream = _segments[(_firstSegment + i) % MaxSegments].Stream;
            long until = i + 1 < _segmentCount ? _segments[(_firstSegment + i + 1) % MaxSegments].Start : _end;
            int length = (int)Math.Min(until - offset, buffer.Length);
            int at = (int)(offset % _bytes.Length);
            int head = Math.Min(length, _bytes.Length - at);
            _bytes.AsSpan(at, head).CopyTo(buffer);
            _bytes.AsSpan(0, length - head).CopyTo(buffer[head..]);
            return length;
        }
    }

    private void Add(OutputStream stream, ReadOnlySpan<byte> piece)
    {
        if (_segmentCount == 0 || _segments[(_firstSegment + _segmentCount - 1) % MaxSegments].Stream != stream)
        {
            if (_segmentCount == MaxSegments)
            {
                DropFirstSegment();
                _start = Math.Max(_start, _segments[_firstSegment].Start);
            }
            _segments[(_firstSegment + _segmentCount++) % MaxSegments] = (_end, stream);
        }
        int at = (int)(_end % _bytes.Length);
        int head = Math.Min(piece.Length, _bytes.Length - at);
        piece[..head].CopyTo(_bytes.AsSpan(at));
        piece[head..].CopyTo(_bytes);
        _end += piece.Length;
        _start = Math.Max(_start, _end - _bytes.Length);
        while (_segmentCount > 1 && _segments[(_firstSegment + 1) % MaxSegments].Start <= _start)
            DropFirstSegment();
    }

    private void DropFirstSegment()
    {
        _firstSegment = (_firstSegment + 1) % MaxSegments;
        _segmentCount--;
    }
}
