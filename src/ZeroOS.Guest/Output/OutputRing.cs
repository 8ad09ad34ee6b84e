using ZeroOS.Contracts.Guest;

namespace ZeroOS.Guest.Output;

/// <summary>
/// The workload's last output: both streams in the order they came, under one offset that counts every byte since the start. While
/// somebody listens or reads, a full ring makes the writer wait, so that nothing is lost; while nobody does, the oldest bytes give way. Whoever keeps the
/// writer waiting for longer than <paramref name="patience"/> loses its place. Thread-safe.
/// </summary>
internal sealed class OutputRing(int capacity, TimeSpan patience)
{
    /// <summary>Changes of stream remembered; more frequent ones cost old output, not memory.</summary>
    private const int MaxSegments = 16384;

    private readonly byte[] _bytes = new byte[capacity];
    private readonly (long Start, OutputStream Stream)[] _segments = new (long, OutputStream)[MaxSegments];
    private readonly List<OutputReader> _readers = [];
    private readonly object _lock = new();
    private OutputReader? _expected;
    private bool _ended;
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

    /// <summary>Somebody will read from the start: a full ring waits for that reader too, once.</summary>
    internal void ExpectReader()
    {
        lock (_lock)
            _readers.Add(_expected = new OutputReader(this, _end, static () => { }));
    }

    /// <summary>
    /// One more reader: of what is there from the start on, or of what comes from now on. <paramref name="wake"/>, which must not wait, is called when there is
    /// something new to read or to know.
    /// </summary>
    internal OutputReader Read(bool fromStart, Action wake)
    {
        lock (_lock)
        {
            OutputReader reader = new(this, fromStart ? _start : _end, wake);
            _readers.Add(reader);
            if (_expected is not null)
                Remove(_expected);
            _expected = null;
            return reader;
        }
    }

    /// <summary>No output follows what is there.</summary>
    internal bool IsEnded
    {
        get
        {
            lock (_lock)
                return _ended;
        }
    }

    /// <summary>No output follows.</summary>
    internal void Complete()
    {
        lock (_lock)
        {
            _ended = true;
            WakeReaders();
        }
    }

    /// <summary>Has every reader look again.</summary>
    internal void WakeReaders()
    {
        lock (_lock)
        {
            foreach (OutputReader reader in _readers)
                reader.Wake();
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
                WaitForRoom(stream, piece.Length);
                Add(stream, piece);
                WakeReaders();
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
            return Copy(offset, buffer, out stream);
        }
    }

    /// <summary>As <see cref="OutputReader.Look"/>.</summary>
    internal int Look(OutputReader reader, Span<byte> buffer, out OutputStream stream)
    {
        lock (_lock)
        {
            stream = default;
            return reader.IsLost ? 0 : Copy(reader.Offset, buffer, out stream);
        }
    }

    /// <summary>As <see cref="OutputReader.Taken"/>.</summary>
    internal void Taken(OutputReader reader, int count)
    {
        lock (_lock)
        {
            reader.Offset += count;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>As <see cref="OutputReader.HasAll"/>.</summary>
    internal bool HasAll(OutputReader reader)
    {
        lock (_lock)
            return _ended && reader.Offset == _end;
    }

    /// <summary>As <see cref="OutputReader.Dispose"/>.</summary>
    internal void Remove(OutputReader reader)
    {
        lock (_lock)
        {
            _readers.Remove(reader);
            Monitor.PulseAll(_lock);
        }
    }

    private int Copy(long offset, Span<byte> buffer, out OutputStream stream)
    {
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

    // Where the ring begins once a piece of a stream is added.
    private long StartAfter(OutputStream stream, int length)
    {
        long start = Math.Max(_start, _end + length - _bytes.Length);
        bool crowded = _segmentCount == MaxSegments && _segments[(_firstSegment + _segmentCount - 1) % MaxSegments].Stream != stream;
        return crowded ? Math.Max(start, _segments[(_firstSegment + 1) % MaxSegments].Start) : start;
    }

    // A listener that goes on gets its time anew, for it is the node's. A reader is anybody's, and gets it once for each piece.
    private void WaitForRoom(OutputStream stream, int length)
    {
        long heard = _listener, until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (StartAfter(stream, length) is var start && (IsBehind(_listener, start) || _readers.Exists(r => r.Offset < start)))
        {
            if (_listener != heard)
                (heard, until) = (_listener, Environment.TickCount64 + (long)patience.TotalMilliseconds);
            if (until - Environment.TickCount64 is > 0 and long left)
                Monitor.Wait(_lock, (int)left);
            else
                LeaveBehind(start);
        }
    }

    // What hangs must not hang the workload for ever.
    private void LeaveBehind(long start)
    {
        if (IsBehind(_listener, start))
            _listener = -1;
        foreach (OutputReader reader in _readers.FindAll(r => r.Offset < start))
        {
            reader.IsLost = true;
            reader.Wake();
            _readers.Remove(reader);
        }
    }

    private static bool IsBehind(long listener, long start) => listener >= 0 && listener < start;

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
