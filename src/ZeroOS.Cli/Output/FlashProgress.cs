using System.Globalization;

using ZeroOS.Media.Flash;

namespace ZeroOS.Cli.Output;

/// <summary>
/// How far it is, how fast, how long still: one line on a terminal; in a script a line for each step when it is done, and one in ten seconds before.
/// </summary>
internal sealed class FlashProgress(Terminal terminal, TimeProvider clock) : IFlashProgress, IDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(10);

    private ProgressLine? _line;
    private string _step = "";
    private long? _total;
    private long _begin, _said;

    /// <summary>A step begins; the total is null when nobody knows it.</summary>
    public void Begin(string step, long? totalBytes)
    {
        _line?.Dispose();
        (_line, _step, _total, _begin) = (new ProgressLine(terminal, clock), step, totalBytes, clock.GetTimestamp());
        _said = _begin;
    }

    /// <summary>It is so far.</summary>
    public void At(long bytes)
    {
        string text = Text(_step, bytes, _total, clock.GetElapsedTime(_begin));
        _line?.Show(text);
        if (terminal.Interactive || clock.GetElapsedTime(_said) < s_pause)
            return;
        _said = clock.GetTimestamp();
        terminal.Error.WriteLine(text);
    }

    /// <summary>The step is done.</summary>
    public void End(long bytes)
    {
        _line?.Dispose();
        double seconds = Math.Max(clock.GetElapsedTime(_begin).TotalSeconds, 0.001);
        terminal.Error.WriteLine(
            $"{_step}: {DecimalSizes.Text(bytes)} in {DecimalSizes.Text(TimeSpan.FromSeconds(seconds))}, {DecimalSizes.Text(bytes / seconds)}/s");
    }

    /// <inheritdoc/>
    public void Dispose() => _line?.Dispose();

    /// <summary>The line.</summary>
    internal static string Text(string step, long bytes, long? total, TimeSpan elapsed)
    {
        double rate = bytes / Math.Max(elapsed.TotalSeconds, 0.001);
        string far = total > 0 ? string.Create(CultureInfo.InvariantCulture, $"{bytes * 100 / total,3} % of {DecimalSizes.Text(total.Value)}")
            : DecimalSizes.Text(bytes);
        string left = total > bytes && rate > 0 ? $", {DecimalSizes.Text(TimeSpan.FromSeconds((total.Value - bytes) / rate))} left" : "";
        return $"{step} {far}, {DecimalSizes.Text(rate)}/s{left}";
    }
}
