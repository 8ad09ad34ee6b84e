using ZeroOS.Linux;

namespace ZeroOS.Host.Images;

/// <summary>
/// Log lines that an outsider can cause: <paramref name="burst"/> at once, one more each <paramref name="refill"/>; what is left out is counted, and the next
/// line is preceded by the number. Any thread may write.
/// </summary>
internal sealed class LogLimit(ILog log, int burst, TimeSpan refill, TimeProvider? time = null) : ILog
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private int _used;
    private long _leftOut, _refilled;

    /// <inheritdoc/>
    public void Info(string message) => Write(log.Info, message);

    /// <inheritdoc/>
    public void Warn(string message) => Write(log.Warn, message);

    /// <inheritdoc/>
    public void Error(string message) => Write(log.Error, message);

    /// <summary>Writes the line, or counts it.</summary>
    private void Write(Action<string> write, string line)
    {
        long leftOut;
        lock (_gate)
        {
            long now = _time.GetTimestamp();
            int back = (int)Math.Min(_used, _time.GetElapsedTime(_refilled, now) / refill);
            if (back > 0 || _used == 0)
                (_used, _refilled) = (_used - back, now);
            if (_used == burst)
            {
                _leftOut++;
                return;
            }
            _used++;
            (leftOut, _leftOut) = (_leftOut, 0);
        }
        write(leftOut == 0 ? line : $"{line} ({leftOut} lines like it left out before)");
    }
}
