using System.Globalization;

using ZeroOS.Contracts.Bus;

namespace ZeroOS.Cli.Output;

/// <summary>What machines use, as people read it: the newest sample of each, and what it had of a processor since the one before.</summary>
internal sealed class StatsTable
{
    private const string Unknown = "--";

    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB"];

    private List<(DateTimeOffset Time, MachineSample Sample)> _before = [], _now = [];
    private bool _isWhole = true;

    /// <summary>Takes a piece; one of a new moment replaces what is there.</summary>
    public void Add(StatsPiece piece)
    {
        if (_isWhole)
            (_before, _now) = (_now, []);
        _now.AddRange(piece.Machines.Select(m => (piece.Time, m)));
        _isWhole = !piece.More;
    }

    /// <summary>Writes the table; <paramref name="onScreen"/>: in place of the last.</summary>
    public void Write(Terminal terminal, bool onScreen)
    {
        Table table = new("MACHINE", "CPU %", "MEM USED / LIMIT", "HELD", "NET IN / OUT", "DISK READ / WRITTEN", "PIDS",
            "WAITS CPU / MEM / DISK %");
        foreach ((DateTimeOffset time, MachineSample s) in _now.OrderBy(n => n.Sample.Deployment, StringComparer.Ordinal)
            .ThenBy(n => n.Sample.Machine, StringComparer.Ordinal))
        {
            table.Add($"{s.Deployment}/{s.Machine}", Processor(time, s), $"{Size(s.UsedBytes)} / {Size(s.MemoryBytes)}", Size(s.HeldBytes),
                $"{Size(s.ReceivedBytes)} / {Size(s.SentBytes)}", $"{Size(s.ReadBytes)} / {Size(s.WrittenBytes)}",
                s.Pids?.ToString(CultureInfo.InvariantCulture) ?? Unknown,
                $"{Share(s.CpuPressurePer10000)} / {Share(s.MemoryPressurePer10000)} / {Share(s.IoPressurePer10000)}");
        }
        // Cursor to the corner, and what is below it erased (ECMA-48: CUP, ED).
        terminal.Out.Write(onScreen ? "\u001b[H\u001b[J" : "");
        table.Write(terminal.Out);
    }

    /// <summary>"12.3MiB": three digits or so, as Docker writes sizes.</summary>
    internal static string Size(long? bytes)
    {
        if (bytes is not { } value)
            return Unknown;
        double number = value;
        int unit = 0;
        for (; number >= 1024 && unit < s_units.Length - 1; unit++)
            number /= 1024;
        return number.ToString(unit == 0 || number >= 100 ? "F0" : number >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture) + s_units[unit];
    }

    private static string Share(int? per10000) =>
        per10000 is { } value ? (value / 100m).ToString("F1", CultureInfo.InvariantCulture) : Unknown;

    // Of one processor: a machine with two may have 200 %.
    private string Processor(DateTimeOffset time, MachineSample sample)
    {
        (DateTimeOffset Time, MachineSample Sample) before = _before.Find(b => b.Sample.Deployment == sample.Deployment && b.Sample.Machine == sample.Machine
            && b.Sample.Starts == sample.Starts);
        double seconds = (time - before.Time).TotalSeconds;
        return before.Sample is null || seconds <= 0 ? Unknown
            : (Math.Max(0, sample.CpuNanoseconds - before.Sample.CpuNanoseconds) / 1e7 / seconds).ToString("F1", CultureInfo.InvariantCulture);
    }
}
