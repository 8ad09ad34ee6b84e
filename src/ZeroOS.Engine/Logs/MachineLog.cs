using Microsoft.Win32.SafeHandles;

using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// The output of one machine: segments of a file each, named by the position at which they begin, the oldest deleted when all together exceed the limit.
/// A position counts bytes of records since the machine was made, so a reader keeps its place over rotation. Readers (<see cref="LogReader"/>) hold no lock
/// while they read: what is below a segment's length never changes. Thread-safe.
/// </summary>
internal sealed class MachineLog
{
    private readonly Lock _gate = new();
    private readonly LogPlace _place;
    private readonly long _limitBytes;
    private readonly int _segmentBytes;
    private readonly List<LogSegment> _segments = [];
    private SafeFileHandle? _tail;
    private long _wanted;
    private bool _removed;

    public MachineLog(LogPlace place, long limitBytes)
    {
        (_place, _limitBytes, _segmentBytes) = (place, limitBytes, (int)Math.Min(1 << 20, limitBytes / 8));
        Recover();
    }

    /// <summary>Fires when output was added, when the machine changed its state, and when the log is removed.</summary>
    public ChangeSignal Changed { get; } = new();

    /// <summary>The log was removed with its machine.</summary>
    public bool Removed
    {
        get
        {
            lock (_gate)
                return _removed;
        }
    }

    /// <summary>Offset in the present run from which output is new.</summary>
    public long Wanted
    {
        get
        {
            lock (_gate)
                return _wanted;
        }
    }

    /// <summary>What is kept now, oldest first.</summary>
    public LogSegment[] Segments
    {
        get
        {
            lock (_gate)
                return [.. _segments];
        }
    }

    /// <summary>A new run begins.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            _wanted = 0;
            Add(LogRecord.Begin, 0, []);
        }
    }

    /// <summary>Adds output; what is stored already is left out, what the guest dropped is a gap.</summary>
    public void Append(long offset, OutputStream stream, ReadOnlySpan<byte> bytes)
    {
        if (offset < 0)
            return;
        lock (_gate)
        {
            if (_removed)
                return;
            long known = Math.Min(_wanted - offset, bytes.Length);
            if (known > 0)
            {
                bytes = bytes[(int)known..];
                offset += known;
            }
            while (!bytes.IsEmpty)
            {
                int part = Math.Min(bytes.Length, Math.Min(LogRecord.MaxPayload, _segmentBytes / 2));
                Add((byte)stream, offset, bytes[..part]);
                bytes = bytes[part..];
                offset += part;
                _wanted = offset;
            }
        }
        Changed.Fire();
    }

    /// <summary>
    /// Copies whole records from <paramref name="position"/> on into <paramref name="buffer"/>, the last one perhaps cut off; returns how many bytes, 0 at the
    /// end. A position in what was rotated away moves to the oldest record that is kept. The buffer must hold the largest record.
    /// </summary>
    public int ReadRecords(ref long position, Span<byte> buffer)
    {
        while (true)
        {
            LogSegment? found = null;
            lock (_gate)
            {
                foreach (LogSegment segment in _segments)
                {
                    if (position < segment.End)
                    {
                        found = segment;
                        break;
                    }
                }
            }
            if (found is not { } from)
                return 0;
            position = Math.Max(position, from.Start);
            int length = (int)Math.Min(buffer.Length, from.End - position);
            int read = Read(from.Start, position - from.Start, buffer[..length]);
            if (read > 0)
                return read;
            position = from.End;        // rotated away since we looked, or unreadable
        }
    }

    /// <summary>Deletes the files; readers end.</summary>
    public void Remove()
    {
        lock (_gate)
        {
            _removed = true;
            _tail?.Dispose();
            _tail = null;
            foreach (LogSegment segment in _segments)
                File.Delete(_place.PathOf(segment.Start));
            _segments.Clear();
            _place.Remove();
        }
        Changed.Fire();
    }

    private void Recover()
    {
        foreach (long start in _place.Starts)
            _segments.Add(new LogSegment(start, new FileInfo(_place.PathOf(start)).Length, 0));
        if (_segments.Count == 0)
            return;
        for (int i = 0; i < _segments.Count; i++)
            _segments[i] = Recover(_segments[i]);
        _tail = File.OpenHandle(_place.PathOf(_segments[^1].Start), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.SetLength(_tail, _segments[^1].Length);       // what a power cut tore
    }

    /// <summary>The segment as far as it is whole.</summary>
    private LogSegment Recover(LogSegment segment)
    {
        byte[] bytes = new byte[Math.Min(segment.Length, 2L * _segmentBytes)];
        int read = Read(segment.Start, 0, bytes), whole = 0;
        long output = 0;
        while (LogRecord.TryRead(bytes.AsSpan(0, read), whole, out LogRecord record))
        {
            whole = record.Start + record.Length;
            output += record.Length;
            _wanted = record.Kind == LogRecord.Begin ? 0 : record.Offset + record.Length;
        }
        return new LogSegment(segment.Start, whole, output);
    }

    private void Add(byte kind, long offset, ReadOnlySpan<byte> payload)
    {
        byte[] record = LogRecord.Encode(kind, offset, payload);
        try
        {
            if (_tail is null || _segments[^1].Length + record.Length > _segmentBytes)
                Rotate();
            LogSegment last = _segments[^1];
            RandomAccess.Write(_tail!, record, last.Length);
            _segments[^1] = new LogSegment(last.Start, last.Length + record.Length, last.Output + payload.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk costs output, never the machine. What was half written is overwritten by the next record.
        }
    }

    private void Rotate()
    {
        long start = _segments.Count == 0 ? 0 : _segments[^1].End;
        if (_segments.Count == 0)
            _place.Make();
        while (_segments.Count > 0 && _segments.Sum(s => s.Length) + _segmentBytes > _limitBytes)
        {
            File.Delete(_place.PathOf(_segments[0].Start));
            _segments.RemoveAt(0);
        }
        SafeFileHandle next = File.OpenHandle(_place.PathOf(start), FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite);
        _tail?.Dispose();
        _tail = next;
        _segments.Add(new LogSegment(start, 0, 0));
    }

    private int Read(long start, long from, Span<byte> buffer)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(_place.PathOf(start), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            int read = 0, n;
            while (read < buffer.Length && (n = RandomAccess.Read(file, buffer[read..], from + read)) > 0)
                read += n;
            return read;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
