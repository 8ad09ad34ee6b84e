using System.Globalization;

using ZeroOS.Oci.Build;

namespace ZeroOS.Cli.Output;

/// <summary>One line on a terminal that says how far it is; nothing in scripts, and nothing in the first second.</summary>
internal sealed class ProgressLine(Terminal terminal, TimeProvider clock) : IProgress<BuildProgress>, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly long _begin = clock.GetTimestamp();
    private long _last;
    private int _shown;

    public void Report(BuildProgress value)
    {
        string amount = value.TotalBytes > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{value.DoneBytes * 100 / value.TotalBytes,3} %")
            : string.Create(CultureInfo.InvariantCulture, $"{value.DoneBytes >> 20} MiB");
        Show($"{value.Phase.ToString().ToLowerInvariant()} {amount}");
    }

    /// <summary>Replaces the line.</summary>
    public void Show(string text)
    {
        if (!terminal.Interactive || clock.GetElapsedTime(_begin) < s_patience || (_last != 0 && clock.GetElapsedTime(_last) < s_pause))
            return;
        _last = clock.GetTimestamp();
        text = Terminal.Clean(text);
        terminal.Error.Write("\r" + text.PadRight(_shown));
        _shown = text.Length;
    }

    public void Dispose()
    {
        if (_shown > 0)
            terminal.Error.Write("\r" + new string(' ', _shown) + "\r");
    }
}
