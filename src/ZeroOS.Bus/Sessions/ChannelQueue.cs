namespace ZeroOS.Bus.Sessions;

/// <summary>
/// What has come on one channel and was not read yet, and who waits for it or for credit. Its bytes are within the channel's window, which the session holds
/// the peer to, and lie together: a flood of small frames takes no more memory than a large one. The session's lock guards it.
/// </summary>
internal sealed class ChannelQueue
{
    private byte[] _bytes = [];
    private int _start;
    private int _end;
    private TaskCompletionSource _changed = New();

    /// <summary>The peer sends no more data.</summary>
    public bool Ended { get; set; }

    /// <summary>The program's exit code, once it has come.</summary>
    public int? ExitCode { get; set; }

    /// <summary>Why the channel is over, once it is.</summary>
    public SessionException? Closed { get; set; }

    /// <summary>Completes at the next change of anything here, or of the channel's credit.</summary>
    public Task Changed => _changed.Task;

    /// <summary>Keeps a copy of what came.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (_bytes.Length - _end < bytes.Length)
        {
            int kept = _end - _start;
            byte[] room = _bytes.Length >= 2 * (kept + bytes.Length) ? _bytes : new byte[2 * (kept + bytes.Length)];
            _bytes.AsSpan(_start, kept).CopyTo(room);
            (_bytes, _start, _end) = (room, 0, kept);
        }
        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>Takes what is there, at most the buffer; 0 when nothing is.</summary>
    public int Take(Span<byte> buffer)
    {
        int count = Math.Min(_end - _start, buffer.Length);
        _bytes.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        if (_start == _end)
            (_start, _end) = (0, 0);
        return count;
    }

    /// <summary>Wakes whoever waits.</summary>
    public void Wake()
    {
        TaskCompletionSource changed = _changed;
        _changed = New();
        changed.SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
