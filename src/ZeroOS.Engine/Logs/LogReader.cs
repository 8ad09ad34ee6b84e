using ZeroOS.Contracts.Guest;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// Reads one machine's log a piece at a time, as the reader takes them. Whoever reads slowly holds its two buffers (128 KiB) and the runs of one piece, however
/// much is kept. Where it begins costs one segment at most, read from its start. For one caller.
/// </summary>
internal sealed class LogReader
{
    private readonly MachineLog _log;
    private readonly byte[] _records = new byte[LogRecord.HeaderBytes + LogRecord.MaxPayload];
    private readonly LogPieceMaker _piece = new();
    private LogTimes _times;
    private long _position;
    private int _skip;      // bytes of the next record that are not wanted

    /// <summary>Reads from the oldest output that is kept.</summary>
    public LogReader(MachineLog log) => _log = log;

    /// <summary>Only what came at this time or later, in milliseconds since 1970. Output without a time is older.</summary>
    public long Since { get; init; } = long.MinValue;

    /// <summary>Only what came at this time or earlier. Output without a time is older.</summary>
    public long Until { get; init; } = long.MaxValue;

    /// <summary>Tells the times of runs; else a run is what follows each other in one stream.</summary>
    public bool WithTimes { get; init; }

    /// <summary>Something later than <see cref="Until"/> was met: there is no more.</summary>
    public bool IsOver { get; private set; }

    /// <summary>
    /// Goes behind a position that an earlier piece named. One that is beyond the log's end is of another log, of a machine before this one: all that is
    /// kept is read then. One in the head of a record, which no piece names, means that record.
    /// </summary>
    public LogReader After(long position)
    {
        LogSegment[] segments = _log.Segments;
        if (segments.Length == 0 || position > segments[^1].End)
            return this;
        _position = segments.Where(s => s.Start <= position).Select(s => s.Start).DefaultIfEmpty(0).Max();
        Walk(record => _position + record.End > position ? (int)Math.Max(0, position - _position - record.Start) : null, until: position);
        return this;
    }

    /// <summary>Goes to the last <paramref name="bytes"/> of output that are kept, to the start of a line.</summary>
    public LogReader Tail(long bytes)
    {
        LogSegment[] segments = _log.Segments;
        int first = segments.Length - 1;
        for (; first > 0 && bytes > segments[first].Output; first--)
            bytes -= segments[first].Output;
        if (first < 0 || (first == 0 && bytes >= segments[0].Output))
            return this;
        long skip = segments[first].Output - Math.Max(0, bytes), passed = 0;
        bool atLineStart = false;
        _position = segments[first].Start;
        Walk(record =>
        {
            ReadOnlySpan<byte> output = _records.AsSpan(record.Start, record.Length);
            if (!record.HasOutput)
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
        return this;
    }

    /// <summary>
    /// Goes to the last <paramref name="lines"/> lines that are kept. They are counted by their ends, over both streams together; what has no end yet is one.
    /// </summary>
    public LogReader TailLines(long lines)
    {
        LogSegment[] segments = _log.Segments;
        if (segments.Length == 0)
            return this;
        bool isOpen = segments.LastOrDefault(s => s.Output > 0).IsOpen;
        long ends = segments.Sum(s => s.Lines), skip = ends + (isOpen ? 1 : 0) - Math.Max(0, lines);
        if (skip <= 0)
            return this;
        if (skip > ends)
            return After(segments[^1].End);
        int first = 0;
        for (; skip > segments[first].Lines; first++)
            skip -= segments[first].Lines;
        _position = segments[first].Start;
        Walk(record =>
        {
            if (!record.HasOutput)
                return null;
            if (skip == 0)
                return 0;
            ReadOnlySpan<byte> output = _records.AsSpan(record.Start, record.Length);
            int cut = 0;
            for (int newline; skip > 0 && (newline = output[cut..].IndexOf((byte)'\n')) >= 0; skip--)
                cut += newline + 1;
            return skip == 0 && cut < output.Length ? cut : null;
        }, until: long.MaxValue);
        return this;
    }

    /// <summary>The next piece of output, as full as can be; false when there is no more for now.</summary>
    public bool TryRead(out LogChunk chunk)
    {
        _piece.Begin(WithTimes);
        PassOlder();
        while (!_piece.IsFull && !IsOver && Fill() is int length and > 0)
        {
            int at = 0;
            bool whole = true;
            while (!_piece.IsFull && LogRecord.TryRead(_records.AsSpan(0, length), at, out LogRecord record) && (whole = TakeWhole(record)))
                at = record.End;
            Pass(at, isReadable: at > 0 || !whole);
        }
        chunk = _piece.End(_position + (_skip > 0 ? LogRecord.HeaderBytes + _skip : 0));
        return chunk.Bytes.Length > 0;
    }

    /// <summary>Takes what is wanted of a record; false: its end is left, for the next piece or for ever.</summary>
    private bool TakeWhole(in LogRecord record)
    {
        _times.Take(record);
        long? time = _times.Of(record);
        if (record.HasOutput && time > Until)
        {
            IsOver = true;
            return false;
        }
        if (record.HasOutput && (time ?? long.MinValue) >= Since)
        {
            int skip = Math.Min(_skip, record.Length);
            _skip = skip + _piece.Add((OutputStream)record.Kind, time, _records.AsSpan(record.Start + skip, record.Length - skip));
            if (_skip < record.Length)
                return false;
        }
        _skip = 0;
        return true;
    }

    /// <summary>Goes from record to record until one says how many of its bytes to leave out, or the position or the end is reached.</summary>
    private void Walk(Func<LogRecord, int?> stop, long until)
    {
        while (_position < until && Fill() is int length and > 0)
        {
            int at = 0;
            for (; LogRecord.TryRead(_records.AsSpan(0, length), at, out LogRecord record); at = record.End)
            {
                _times.Take(record);
                if (stop(record) is int skip)
                {
                    _position += at;
                    _skip = skip;
                    return;
                }
            }
            Pass(at, isReadable: at > 0);
        }
    }

    private int Fill()
    {
        long wanted = _position;
        int length = _log.ReadRecords(ref _position, _records);
        if (_position != wanted)
            (_skip, _times) = (0, default);
        return length;
    }

    /// <summary>Moves behind what was read; when there was no record at all, the rest of the segment cannot be read.</summary>
    private void Pass(int bytes, bool isReadable)
    {
        if (isReadable)
            _position += bytes;
        else
        {
            _position = _log.Segments.Where(s => s.Start <= _position && _position < s.End).Select(s => s.End).DefaultIfEmpty(_position + 1).First();
            (_skip, _times) = (0, default);
        }
    }

    /// <summary>Passes segments in which all is too old. The last one is still written to, and its times need what it begins with.</summary>
    private void PassOlder()
    {
        if (Since == long.MinValue)
            return;
        foreach (LogSegment segment in _log.Segments.SkipLast(1).Where(s => s.End > _position).TakeWhile(s => s.Latest < Since))
            (_position, _skip, _times) = (segment.End, 0, default);
    }
}
