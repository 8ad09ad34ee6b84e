namespace ZeroOS.Engine.Logs;

/// <summary>
/// A file of a machine's log, from the position at which it begins.
/// </summary>
/// <param name="Start">The position.</param>
/// <param name="Length">Bytes of its whole records.</param>
/// <param name="Output">Bytes of output in them.</param>
/// <param name="Lines">Ends of lines in them.</param>
/// <param name="IsOpen">The last byte of output is no end of a line.</param>
/// <param name="Latest">The latest time of a record, in milliseconds since 1970; 0: none has one.</param>
internal readonly record struct LogSegment(long Start, long Length = 0, long Output = 0, long Lines = 0, bool IsOpen = false, long Latest = 0)
{
    /// <summary>The position behind it.</summary>
    public long End => Start + Length;

    /// <summary>The segment with <paramref name="bytes"/> more bytes of records, which hold this output.</summary>
    public LogSegment With(long bytes, ReadOnlySpan<byte> output, long time) => new(Start, Length + bytes, Output + output.Length,
        Lines + output.Count((byte)'\n'), output.IsEmpty ? IsOpen : output[^1] != '\n', Math.Max(Latest, time));
}
