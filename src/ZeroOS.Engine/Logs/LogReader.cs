using ZeroOS.Contracts.Guest;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// Reads one machine's log a piece at a time, as the reader takes them. Whoever reads slowly holds its two buffers (128 KiB) and nothing else, however much is
/// kept. For one caller.
/// </summary>
internal sealed class LogReader
{
    /// <summary>Bytes of one piece at most: those of the largest record.</summary>
    public const int MaxPiece = LogRecord.MaxPayload;

    private readonly MachineLog _log;
    private readonly byte[] _records = new byte[LogRecord.HeaderBytes + LogRecord.MaxPayload];
    private readonly byte[] _piece = new byte[MaxPiece];
    private long _position;
    private int _skip;      // bytes of the next record that are not wanted

    /// <summary>Reads from the oldest output that is kept.</summary>
    public LogReader(MachineLog log) => _log = log;

    /// <summary>
    /// Reads from behind a position that an earlier piece named. One that is beyond the log's end is of another log, of a machine before this one: all that is
    /// kept is read then. One inside a record, which no piece names, means the record behind it.
    /// </summary>
    public static LogReader After(MachineLog log, long position)
    {
        LogReader reader = new(log);
        LogSegment[] segments = log.Segments;
        if (segments.Length == 0 || position > segments[^1].End)
            return reader;
        reader._position = segments.Where(s => s.Start <= position).Select(s => s.Start).DefaultIfEmpty(0).Max();
        reader.Walk(record => reader._position + record.Start - LogRecord.HeaderBytes >= position ? 0 : null, until: position);
        return reader;
    }

    /// <summary>Reads the last <paramref name="bytes"/> of output that are kept, from the start of a line.</summary>
    public static LogReader Tail(MachineLog log, long bytes)
    {
        LogReader reader = new(log);
        LogSegment[] segments = log.Segments;
        int first = segments.Length - 1;
        for (; first > 0 && bytes > segments[first].Output; first--)
            bytes -= segments[first].Output;
        if (first < 0 || (first == 0 && bytes >= segments[0].Output))
            return reader;
        long skip = segments[first].Output - Math.Max(0, bytes), passed = 0;
        bool atLineStart = false;
        reader._position = segments[first].Start;
        reader.Walk(record =>
        {
            ReadOnlySpan<byte> output = reader._records.AsSpan(record.Start, record.Length);
            if (record.Kind == LogRecord.Begin || output.IsEmpty)
                return null;
            int cut = (int)Math.Clamp(skip - passed, 0, output.Length);
            passed += output.Length;
            if (cut > 0)
                atLineStart = output[cut - 1] == '\n';
            if (cut == output.Length)
                return null;
            if (atLineStart)
                return cut;
            int newline = output[cut..].IndexOf((byte)'\n');
            if (newline >= 0 && cut + newline + 1 < output.Length)
                return cut + newline + 1;
            atLineStart = newline >= 0;
            return null;
        }, until: long.MaxValue);
        return reader;
    }

    /// <summary>The next piece of output of one stream; false when there is no more for now.</summary>
    public bool TryRead(out LogChunk chunk)
    {
        int taken = 0;
        byte stream = 0;
        while (taken == 0 && Fill() is int length and > 0)
        {
            int at = 0;
            while (LogRecord.TryRead(_records.AsSpan(0, length), at, out LogRecord record))
            {
                int skip = Math.Min(_skip, record.Length), wanted = record.Length - skip;
                if (taken > 0 && wanted > 0 && (record.Kind != stream || wanted > _piece.Length - taken))
                    break;
                if (record.Kind != LogRecord.Begin && wanted > 0)
                {
                    _records.AsSpan(record.Start + skip, wanted).CopyTo(_piece.AsSpan(taken));
                    taken += wanted;
                    stream = record.Kind;
                }
                _skip = 0;
                at = record.Start + record.Length;
            }
            Pass(at);
        }
        chunk = new LogChunk((OutputStream)stream, _piece.AsMemory(0, taken), _position);
        return taken > 0;
    }

    /// <summary>Goes from record to record until one says how many of its bytes to leave out, or the position or the end is reached.</summary>
    private void Walk(Func<LogRecord, int?> stop, long until)
    {
        while (_position < until && Fill() is int length and > 0)
        {
            int at = 0;
            while (LogRecord.TryRead(_records.AsSpan(0, length), at, out LogRecord record))
            {
                if (stop(record) is int skip)
                {
                    _position += at;
                    _skip = skip;
                    return;
                }
                at = record.Start + record.Length;
            }
            Pass(at);
        }
    }

    private int Fill()
    {
        long wanted = _position;
        int length = _log.ReadRecords(ref _position, _records);
        if (_position != wanted)
            _skip = 0;
        return length;
    }

    /// <summary>Moves behind what was read; when there was no record at all, the rest of the segment cannot be read.</summary>
    private void Pass(int bytes)
    {
        _skip = bytes > 0 ? 0 : _skip;
        if (bytes > 0)
            _position += bytes;
        else
            _position = _log.Segments.Where(s => s.Start <= _position && _position < s.End).Select(s => s.End).DefaultIfEmpty(_position + 1).First();
    }
}
