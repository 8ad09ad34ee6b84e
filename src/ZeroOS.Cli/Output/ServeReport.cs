using System.Globalization;
using System.Text;
using System.Text.Json;

using ZeroOS.Media.Serve.Report;

namespace ZeroOS.Cli.Output;

/// <summary>
/// What a person or a program reads of it: on a terminal one line a computer, kept up to date; elsewhere a line for each thing that happens; with --json one
/// object for it.
/// </summary>
internal sealed class ServeReport(Terminal terminal, bool json, TimeProvider clock) : IServeReport
{
    private static readonly TimeSpan s_repaint = TimeSpan.FromMilliseconds(250), s_progress = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private int _painted;

    private bool Live => terminal.Interactive && !json;

    /// <summary>One thing that happened. On a terminal the list says it.</summary>
    public void Say(BootEvent what)
    {
        if (Live && what.Computer is not null)
            return;
        lock (_lock)
            terminal.Out.WriteLine(json ? Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(what, BootEventJson.Default.BootEvent)) : Line(what));
    }

    /// <summary>Keeps the list up to date, or says now and then how far things are, until cancelled.</summary>
    public async Task RunAsync(BootWatch watch, CancellationToken cancellation)
    {
        using PeriodicTimer timer = new(Live ? s_repaint : s_progress, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                if (Live)
                    Paint(watch.Look());
                else
                    watch.SayProgress();
            }
        }
        catch (OperationCanceledException)
        {
            if (Live)
                Paint(watch.Look());
        }
    }

    /// <summary>A row of the list.</summary>
    internal static string Row(BootRow row)
    {
        string far = row.Loads && row.TotalBytes > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{row.Bytes * 100 / row.TotalBytes,3} % of {row.TotalBytes / 1e6:0.0} MB, {row.Rate / 1e6:0.0} MB/s")
            : "";
        return Terminal.Clean($"{row.Name}  {row.Address ?? "",-15}  {row.Kind,-9}  {row.State}  {far}".TrimEnd());
    }

    /// <summary>A line of the log.</summary>
    internal static string Line(BootEvent e)
    {
        string address = e.Address is null || e.Address == e.Computer ? "" : $" ({e.Address})", kind = string.IsNullOrEmpty(e.Kind) ? "" : $", {e.Kind}";
        string who = e.Computer is null ? "" : $"{e.Computer}{address}{kind}: ";
        string rate = e.BytesPerSecond > 0 ? string.Create(CultureInfo.InvariantCulture, $", {e.BytesPerSecond / 1e6:0.0} MB/s") : "";
        string what = e.Event switch
        {
            "asks" => $"asks to be booted, is sent to {e.File}",
            "nothing-for-it" => "asks to be booted, and there is nothing for it here",
            "progress" => string.Create(CultureInfo.InvariantCulture, $"{e.File} {e.Bytes * 100 / Math.Max(e.TotalBytes ?? 0, 1)} %{rate}"),
            "loaded" => string.Create(CultureInfo.InvariantCulture, $"has {e.File}, {e.Bytes / 1e6:0.0} MB{rate}"),
            "failed" => string.Create(CultureInfo.InvariantCulture, $"does not have {e.File}, only {e.Bytes} bytes: {e.Why}"),
            "unknown-file" => $"asks for {e.File}, which is not there",
            "runs" => "ZeroOS runs and asks for its address",
            _ => e.Why ?? e.Event,
        };
        return Terminal.Clean(string.Create(CultureInfo.InvariantCulture, $"{e.Time.ToLocalTime():HH:mm:ss} {who}{what}"));
    }

    private void Paint(IReadOnlyList<BootRow> rows)
    {
        const string Up = "\u001b[A", EraseLine = "\u001b[2K", EraseBelow = "\u001b[J";
        StringBuilder text = new();
        for (int i = 0; i < _painted; i++)
            text.Append(Up);
        (int width, int height) = Size();
        IEnumerable<BootRow> shown = rows.OrderByDescending(r => r.Loads).Take(Math.Max(1, height - 4)).OrderBy(r => r.Name, StringComparer.Ordinal);
        _painted = 0;
        foreach (BootRow row in shown)
        {
            string line = Row(row);
            text.Append(EraseLine).Append(line.Length < width ? line : line[..(width - 1)]).Append('\n');
            _painted++;
        }
        if (rows.Count > _painted)
        {
            text.Append(EraseLine).Append(CultureInfo.InvariantCulture, $"and {rows.Count - _painted} more\n");
            _painted++;
        }
        lock (_lock)
            terminal.Error.Write(text.Append('\r').Append(EraseBelow).ToString());
    }

    private static (int Width, int Height) Size()
    {
        try
        {
            return Console.WindowWidth > 0 ? (Console.WindowWidth, Console.WindowHeight) : (80, 24);
        }
        catch (IOException)
        {
            return (80, 24);
        }
    }
}
