using System.Globalization;

namespace ZeroOS.Linux;

/// <summary>
/// The log of a process that outsiders can make talk. Lines wait in a bounded queue for the thread "log", the only one that waits for a console; each source
/// may say so much (<see cref="LineLimits"/>); what is left out is counted and the number said. Errors have limits of their own, which nothing lesser uses up.
/// </summary>
public sealed class QueuedLog : ILog, IDisposable
{
    /// <summary>Lines that wait at most; more are left out.</summary>
    public const int MaxWaiting = 1024;

    /// <summary>How many of these only errors get.</summary>
    public const int ForErrors = 64;

    /// <summary>Characters of a line at most; more are cut.</summary>
    public const int MaxLine = 4096;

    private static readonly TimeSpan s_closeWithin = TimeSpan.FromSeconds(1);

    private readonly KernelLog _log;
    private readonly LineLimits _limits, _errors;
    private readonly object _gate = new();
    private readonly Queue<(LogLevel Level, string Line)> _waiting = new();
    private readonly Thread _writer;
    private long _leftOut;
    private bool _closed;

    /// <summary>Writes to <paramref name="log"/>, which nobody else may wait for.</summary>
    public QueuedLog(KernelLog log, TimeProvider? time = null)
    {
        (_log, _limits, _errors) = (log, new LineLimits(time ?? TimeProvider.System), new LineLimits(time ?? TimeProvider.System));
        _writer = new Thread(Write) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>Lines that wait now.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <inheritdoc/>
    public void Info(string message) => Add(LogLevel.Info, message);

    /// <inheritdoc/>
    public void Warn(string message) => Add(LogLevel.Warning, message);

    /// <inheritdoc/>
    public void Error(string message) => Add(LogLevel.Error, message);

    /// <summary>For the curious: not shown on a console.</summary>
    public void Debug(string message) => Add(LogLevel.Debug, message);

    /// <summary>Waits a second for what waits to be written.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
        _writer.Join(s_closeWithin);
    }

    private void Add(LogLevel level, string line)
    {
        lock (_gate)
        {
            if (_closed || !(level == LogLevel.Error ? _errors : _limits).TryPass(line, out long before))
                return;
            if (_waiting.Count >= (level == LogLevel.Error ? MaxWaiting : MaxWaiting - ForErrors))
            {
                _leftOut += 1 + before;
                return;
            }
            line = LimitedLog.Counted(line, before);
            _waiting.Enqueue((level, line.Length <= MaxLine ? line : line[..MaxLine]));
            Monitor.Pulse(_gate);
        }
    }

    private void Write()
    {
        while (true)
        {
            (LogLevel Level, string Line) next;
            long leftOut;
            lock (_gate)
            {
                while (_waiting.Count == 0)
                {
                    if (_closed)
                        return;
                    Monitor.Wait(_gate);
                }
                next = _waiting.Dequeue();
                (leftOut, _leftOut) = (_leftOut, 0);
            }
            if (leftOut > 0)
                _log.Warn(string.Create(CultureInfo.InvariantCulture, $"event=log-full lines={leftOut} left out: they came faster than they can be written"));
            _log.Write(next.Level, next.Line);
        }
    }
}
