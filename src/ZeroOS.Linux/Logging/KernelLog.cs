using System.Globalization;
using System.Text;

namespace ZeroOS.Linux;

/// <summary>
/// The kernel's log as ours: one record a line with the prefix "zeroos: ", and the same line on a serial console when the kernel itself keeps quiet there.
/// Lines said before <see cref="Open"/> wait for it. Safe from any thread; never throws.
/// </summary>
public sealed class KernelLog : ILog
{
    // A record of /dev/kmsg holds about 1,000 bytes with its header (kernel/printk); longer lines are cut into several.
    private const int MaxLine = 900;
    private const int MaxEarly = 64;
    private readonly Lock _lock = new();
    private readonly List<(LogLevel Level, string Message)> _early = [];
    private readonly string _prefix;
    private FileDescriptor? _records;
    private FileDescriptor? _console;
    private int _kernelShowsBelow;

    /// <summary>A log that keeps its lines until it is opened.</summary>
    public KernelLog(string prefix = "zeroos: ") => _prefix = prefix;

    /// <summary>A log that writes to the given files.</summary>
    public KernelLog(FileDescriptor? records, FileDescriptor? console, string prefix = "zeroos: ") : this(prefix)
        => (_records, _console) = (records, console);

    /// <summary>Opens the kernel's log, and the console if the kernel shows less there than we say.</summary>
    public static KernelLog ForNode()
    {
        KernelLog log = new();
        log.Open();
        return log;
    }

    /// <summary>Opens the kernel's log and the console, and says what waited.</summary>
    public void Open()
    {
        // Otherwise the kernel drops what a program says fast: all but ten lines in five seconds. The word counts only with its line end (kernel/printk).
        _ = KernelFile.TryWrite("/proc/sys/kernel/printk_devkmsg", "on\n");
        string levels = KernelFile.TryRead("/proc/sys/kernel/printk", out _) ?? "";
        _ = int.TryParse(levels.Split('\t', ' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int shown);
        lock (_lock)
        {
            _records ??= FileDescriptor.TryOpen("/dev/kmsg", OpenFlags.WriteOnly, 0, out _);
            _kernelShowsBelow = shown;
            // A screen has a page of its own for the log, and another one that no line may run through.
            if (shown <= (int)LogLevel.Info && !KernelConsoles.Current.ConsoleIsScreen)
                _console ??= FileDescriptor.TryOpen("/dev/console", OpenFlags.WriteOnly | OpenFlags.NoControllingTty, 0, out _);
            foreach ((LogLevel level, string message) in _early)
                Put(level, message);
            _early.Clear();
        }
    }

    /// <summary>A state changed.</summary>
    public void Info(string message) => Write(LogLevel.Info, message);

    /// <summary>Odd, and handled.</summary>
    public void Warn(string message) => Write(LogLevel.Warning, message);

    /// <summary>Somebody must act.</summary>
    public void Error(string message) => Write(LogLevel.Error, message);

    /// <summary>Writes one line.</summary>
    public void Write(LogLevel level, string message)
    {
        lock (_lock)
        {
            if (_records is null && _console is null)
            {
                if (_early.Count < MaxEarly)
                    _early.Add((level, message));
                return;
            }
            Put(level, message);
        }
    }

    private void Put(LogLevel level, string message)
    {
        foreach (string line in message.Split('\n'))
        {
            for (int start = 0; start == 0 || start < line.Length; start += MaxLine)
            {
                string part = line.Substring(start, Math.Min(MaxLine, line.Length - start));
                _ = _records?.TryWrite(Encoding.UTF8.GetBytes($"<{(int)level}>{_prefix}{part}\n"), out _);
                // What is graver than the kernel's own threshold it shows there by itself; what is for the curious stays in its log.
                if (level < LogLevel.Debug && (_records is null || (int)level >= _kernelShowsBelow))
                    _ = _console?.TryWrite(Encoding.UTF8.GetBytes($"{_prefix}{part}\r\n"), out _);
            }
        }
    }
}
