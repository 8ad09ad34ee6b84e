using System.Globalization;

using Microsoft.Win32.SafeHandles;

using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// The output of one machine: segments of a file each, named by the position at which they begin, the oldest deleted when all together exceed the limit.
/// A position counts bytes of records since the machine was made, so a reader keeps its place over rotation. Thread-safe.
/// </summary>
internal sealed class MachineLog
{
    private readonly Lock _gate = new();
    private readonly string _directory;
    private readonly string _name;
    private readonly long _limitBytes;
    private readonly int _segmentBytes;
    private readonly List<(long Start, long Length)> _segments = [];
    private SafeFileHandle? _tail;
    private long _wanted;
    private bool _removed;

    public MachineLog(string directory, string name, long limitBytes)
    {
        (_directory, _name, _limitBytes, _segmentBytes) = (directory, name, limitBytes, (int)Math.Min(1 << 20, limitBytes / 8));
        Recover();
    }

    /// <summary>Fires when output was added, and when the log is removed.</summary>
    public Pulse Changed { get; } = new();

    /// <summary>Bytes of output that could not be stored.</summary>
    public long LostBytes { get; private set; }

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
    public void Append(long offset, int stream, ReadOnlySpan<byte> bytes)
    {
        if (stream is not (LogRecord.Stdout or LogRecord.Stderr) || offset < 0)
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
    /// Output from <paramref name="position"/> on, at most about <paramref name="mostBytes"/>; moves the position behind it. What was rotated away meanwhile is skipped.
    /// </summary>
    public IReadOnlyList<LogChunk> Read(ref long position, int mostBytes)
    {
        List<LogChunk> chunks = [];
        lock (_gate)
        {
            int taken = 0;
            while (taken < mostBytes)
            {
                long at = position;
                int index = _segments.FindIndex(s => at < s.Start + s.Length);
                if (index < 0)
                    break;
                (long start, long length) = _segments[index];
                byte[] bytes = ReadSegment(start, length);
                int place = (int)(Math.Max(position, start) - start);
                while (taken < mostBytes && LogRecord.TryRead(bytes, place, out LogRecord record))
                {
                    place = record.Start + record.Length;
                    if (record.Kind != LogRecord.Begin)
                        chunks.Add(new LogChunk(record.Kind, bytes.AsMemory(record.Start, record.Length)));
                    taken += record.Length;
                }
                // Not full yet means that the segment is done, or unreadable from here on.
                position = start + (taken < mostBytes ? length : place);
            }
        }
        return chunks;
    }

    /// <summary>The last <paramref name="bytes"/> of output that are kept, from a line's start, and the position behind them.</summary>
    public (IReadOnlyList<LogChunk> Chunks, long Position) Tail(long bytes)
    {
        long position = 0;
        List<LogChunk> all = [.. Read(ref position, int.MaxValue)];
        long skip = Math.Max(0, all.Sum(c => (long)c.Bytes.Length) - Math.Max(0, bytes));
        if (skip == 0)
            return (all, position);
        List<LogChunk> kept = [];
        bool atLineStart = false;
        foreach (LogChunk chunk in all)
        {
            ReadOnlyMemory<byte> rest = chunk.Bytes;
            if (skip >= rest.Length)
            {
                skip -= rest.Length;
                continue;
            }
            if (!atLineStart)
            {
                // One byte earlier: a line that begins exactly here is whole.
                int from = (int)Math.Max(0, skip - 1), newline = rest.Span[from..].IndexOf((byte)'\n');
                skip = 0;
                if (newline < 0)
                    continue;
                rest = rest[(from + newline + 1)..];
                atLineStart = true;
            }
            if (!rest.IsEmpty)
                kept.Add(chunk with { Bytes = rest });
        }
        return (kept, position);
    }

    /// <summary>Deletes the files; readers end.</summary>
    public void Remove()
    {
        lock (_gate)
        {
            _removed = true;
            _tail?.Dispose();
            _tail = null;
            foreach ((long start, _) in _segments)
                File.Delete(Path(start));
            _segments.Clear();
        }
        Changed.Fire();
    }

    private void Recover()
    {
        foreach (string file in Directory.EnumerateFiles(_directory, _name + ".*.log"))
        {
            string text = System.IO.Path.GetFileNameWithoutExtension(file)[(_name.Length + 1)..];
            if (long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long start) && start >= 0)
                _segments.Add((start, new FileInfo(file).Length));
        }
        _segments.Sort();
        if (_segments.Count == 0)
            return;
        for (int i = 0; i < _segments.Count; i++)
        {
            (long start, long length) = _segments[i];
            byte[] bytes = ReadSegment(start, Math.Min(length, 2L * _segmentBytes));
            int whole = 0;
            while (LogRecord.TryRead(bytes, whole, out LogRecord record))
            {
                whole = record.Start + record.Length;
                _wanted = record.Kind == LogRecord.Begin ? 0 : record.Offset + record.Length;
            }
            _segments[i] = (start, whole);
            if (i == _segments.Count - 1)
            {
                _tail = File.OpenHandle(Path(start), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
                RandomAccess.SetLength(_tail, whole);       // what a power cut tore
            }
        }
    }

    private void Add(byte kind, long offset, ReadOnlySpan<byte> payload)
    {
        byte[] record = LogRecord.Encode(kind, offset, payload);
        long end = 0;
        try
        {
            if (_tail is null || _segments[^1].Length + record.Length > _segmentBytes)
                Rotate();
            (long start, long length) = _segments[^1];
            end = length;
            RandomAccess.Write(_tail!, record, length);
            _segments[^1] = (start, length + record.Length);
        }
        catch (IOException)
        {
            // A full disk costs output, never the machine. What was half written is overwritten by the next record.
            LostBytes += payload.Length;
        }
        catch (UnauthorizedAccessException)
        {
            LostBytes += payload.Length;
        }
    }

    private void Rotate()
    {
        long start = _segments.Count == 0 ? 0 : _segments[^1].Start + _segments[^1].Length;
        while (_segments.Count > 0 && _segments.Sum(s => s.Length) + _segmentBytes > _limitBytes)
        {
            File.Delete(Path(_segments[0].Start));
            _segments.RemoveAt(0);
        }
        SafeFileHandle next = File.OpenHandle(Path(start), FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite);
        _tail?.Dispose();
        _tail = next;
        _segments.Add((start, 0));
    }

    private byte[] ReadSegment(long start, long length)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(Path(start), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[length];
            int read = 0, n;
            while (read < bytes.Length && (n = RandomAccess.Read(file, bytes.AsSpan(read), read)) > 0)
                read += n;
            return read == bytes.Length ? bytes : bytes[..read];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private string Path(long start) => System.IO.Path.Combine(_directory, $"{_name}.{start:x16}.log");
}
