using Microsoft.Win32.SafeHandles;

using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// The output of one machine: segments of a file each, named by the position at which they begin, the oldest deleted when all together exceed the limit.
/// A position counts bytes of records since the machine was made, so a reader keeps its place over rotation. Readers (<see cref="LogReader"/>) hold no lock
/// while they read: what is below a segment's length never changes. A syncer brings what is new onto the medium, with the lock open. Thread-safe.
/// </summary>
internal sealed class MachineLog
{
    private readonly Lock _gate = new();
    private readonly LogPlace _place;
    private readonly LogUnsynced _unsynced;
    private readonly TimeProvider _time;
    private readonly long _limitBytes;
    private readonly int _segmentBytes;
    private readonly List<LogSegment> _segments = [];
    private SafeFileHandle? _tail;
    private LogTimes _times;
    private long _wanted;
    private bool _removed;
    private int _readers;

    public MachineLog(LogPlace place, long limitBytes, TimeProvider time, LogSync sync, LogSyncer syncer)
    {
        (_place, _time, _limitBytes, _segmentBytes) = (place, time, limitBytes, (int)Math.Min(1 << 20, limitBytes / 8));
        _unsynced = new LogUnsynced(place, sync, () => syncer.Add(this));
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

    /// <summary>Streams that send it to somebody.</summary>
    public int Readers => Volatile.Read(ref _readers);

    /// <summary>A stream begins to send it.</summary>
    public void Enter() => Interlocked.Increment(ref _readers);

    /// <summary>A stream has ended; true: it was the last.</summary>
    public bool Leave() => Interlocked.Decrement(ref _readers) == 0;

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

    /// <summary>The position behind all output.</summary>
    public long End
    {
        get
        {
            lock (_gate)
                return _segments.Count == 0 ? 0 : _segments[^1].End;
        }
    }

    /// <summary>
    /// Waits until all output that was added is on the medium and can be found there. Adding and removing go on meanwhile.
    /// </summary>
    /// <exception cref="IOException">The disk refuses; what it did not take is tried again after the next change.</exception>
    public void Sync() => _unsynced.Sync();

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
            _unsynced.Clear();
            _place.Remove();
        }
        Changed.Fire();
    }

    private void Recover()
    {
        foreach (long start in _place.Starts)
            _segments.Add(new LogSegment(start, new FileInfo(_place.PathOf(start)).Length));
        if (_segments.Count == 0)
            return;
        for (int i = 0; i < _segments.Count; i++)
            _segments[i] = Recover(_segments[i]);
        _tail = File.OpenHandle(_place.PathOf(_segments[^1].Start), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.SetLength(_tail, _segments[^1].Length);       // what a power cut tore
        // The node before this one may have ended within a second of its last output; what is on the medium already costs nothing.
        _unsynced.Made(folder: true);
        foreach (LogSegment segment in _segments)
            _unsynced.Add(segment.Start, tell: true);
    }

    /// <summary>The segment as far as it is whole.</summary>
    private LogSegment Recover(LogSegment segment)
    {
        byte[] bytes = new byte[Math.Min(segment.Length, 2L * _segmentBytes)];
        int read = Read(segment.Start, 0, bytes), at = 0;
        LogSegment whole = new(segment.Start);
        LogTimes times = default;
        for (; LogRecord.TryRead(bytes.AsSpan(0, read), at, out LogRecord record); at = record.End)
        {
            times.Take(record);
            _wanted = record.Kind == LogRecord.Begin ? 0 : record.Offset + record.Length;
            whole = whole.With(record.End - at, record.HasOutput ? bytes.AsSpan(record.Start, record.Length) : [], times.Of(record) ?? 0);
        }
        return whole;
    }

    private void Add(byte kind, long offset, ReadOnlySpan<byte> payload)
    {
        long now = Math.Max(0, _time.GetUtcNow().ToUnixTimeMilliseconds());
        try
        {
            if (_tail is null || _segments[^1].Length + (3 * LogRecord.HeaderBytes) + payload.Length > _segmentBytes)     // 3: with a base of times
                Rotate();
            LogSegment last = _segments[^1];
            (byte[] records, LogTimes times) = _times.Encode(kind, offset, payload, now);
            RandomAccess.Write(_tail!, records, last.Length);
            _segments[^1] = last.With(records.Length, payload, now);
            _times = times;
            // That a run began has nothing in it to lose: it goes with the first output, and no sync comes into a machine's start.
            _unsynced.Add(last.Start, tell: kind != LogRecord.Begin);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk costs output, never the machine. What was half written is overwritten by the next record.
        }
    }

    private void Rotate()
    {
        long start = _segments.Count == 0 ? 0 : _segments[^1].End;
        bool madeFolder = _segments.Count == 0 && _place.Make();
        while (_segments.Count > 0 && _segments.Sum(s => s.Length) + _segmentBytes > _limitBytes)
        {
            File.Delete(_place.PathOf(_segments[0].Start));
            _unsynced.Remove(_segments[0].Start);
            _segments.RemoveAt(0);
        }
        SafeFileHandle next = File.OpenHandle(_place.PathOf(start), FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite);
        _tail?.Dispose();
        (_tail, _times) = (next, default);      // each segment has its own base of times: the one before it goes first
        _segments.Add(new LogSegment(start));
        _unsynced.Made(madeFolder);
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
