namespace ZeroOS.Engine.Logs;

/// <summary>
/// When records arrived, in milliseconds since 1970, in the three bytes of a header that were spare. A record's stamp is <see cref="Stamped"/> and the time
/// since a base; 0 is no time, as of records of a version that knew none. The base stands in front: a record of standard output and one of standard error,
/// both empty, whose stamps are its high and its low 24 bits. A version that knew no times passes over empty records and over stamps.
/// </summary>
internal struct LogTimes
{
    private const int Bits = 24, Mask = (1 << Bits) - 1, Stamped = 1 << (Bits - 1);

    private long? _high, _base;

    private LogTimes(long now) => _base = now;

    /// <summary>
    /// The bytes of a record that arrives at <paramref name="now"/>, behind a base where it needs one, which has the record's offset; and the times as they
    /// are once the bytes are written.
    /// </summary>
    public readonly (byte[] Bytes, LogTimes Behind) Encode(byte kind, long offset, ReadOnlySpan<byte> payload, long now)
    {
        if (now - _base is long since and >= 0 and < Stamped)
            return (LogRecord.Encode(kind, offset, payload, Stamped | (int)since), this);
        byte[] bytes =
        [
            .. LogRecord.Encode(LogRecord.Stdout, offset, [], (int)(now >> Bits) & Mask),
            .. LogRecord.Encode(LogRecord.Stderr, offset, [], (int)now & Mask),
            .. LogRecord.Encode(kind, offset, payload, Stamped),
        ];
        return (bytes, new LogTimes(now));
    }

    /// <summary>Passes a record: later times count from it, if it is half of a base.</summary>
    public void Take(in LogRecord record)
    {
        if (record.Length > 0 || record.Kind == LogRecord.Begin)
            return;
        if (record.Kind == LogRecord.Stdout)
            (_high, _base) = (record.Stamp, null);
        else
            (_high, _base) = (null, (_high << Bits) | (long)record.Stamp);
    }

    /// <summary>When a record arrived; null: nobody knows.</summary>
    public readonly long? Of(in LogRecord record) => (record.Stamp & Stamped) != 0 ? _base + (record.Stamp & (Stamped - 1)) : null;
}
