using System.Globalization;

namespace ZeroOS.Linux;

/// <summary>
/// A log for lines that outsiders cause: those beyond <paramref name="limits"/> are left out and counted, and the next line of their source says how many. Any
/// thread may write.
/// </summary>
public sealed class LimitedLog(ILog log, LineLimits limits) : ILog
{
    private readonly Lock _gate = new();

    /// <inheritdoc/>
    public void Info(string message)
    {
        if (Admit(message) is { } line)
            log.Info(line);
    }

    /// <inheritdoc/>
    public void Warn(string message)
    {
        if (Admit(message) is { } line)
            log.Warn(line);
    }

    /// <inheritdoc/>
    public void Error(string message)
    {
        if (Admit(message) is { } line)
            log.Error(line);
    }

    /// <summary>The line with the number of those left out before it; null when it is left out itself.</summary>
    private string? Admit(string line)
    {
        lock (_gate)
            return limits.TryPass(line, out long before) ? Counted(line, before) : null;
    }

    /// <summary>A line that says how many of its source were left out before.</summary>
    internal static string Counted(string line, long before) =>
        before == 0 ? line : string.Create(CultureInfo.InvariantCulture, $"{line} ({before} lines like it left out before)");
}
