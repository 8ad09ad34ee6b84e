namespace ZeroOS.Engine.Logs;

/// <summary>A file of a machine's log: the position at which it begins, the bytes of its whole records, and the bytes of output in them.</summary>
internal readonly record struct LogSegment(long Start, long Length, long Output)
{
    /// <summary>The position behind it.</summary>
    public long End => Start + Length;
}
