using System.Globalization;

using ZeroOS.Contracts.Sessions;
using ZeroOS.Formats;

namespace ZeroOS.Client;

/// <summary>Processes as ps(1) shows them. Users are numbers. What processes call themselves is cleaned.</summary>
public sealed class ProcessColumns
{
    private const int MaxTerminal = 16;

    private readonly Func<ProcessEntry, DateTimeOffset, string[]> _cells;

    private ProcessColumns(string[] titles, Func<ProcessEntry, DateTimeOffset, string[]> cells) => (Titles, _cells) = (titles, cells);

    /// <summary>As <c>ps -ef</c> has them.</summary>
    public static ProcessColumns Full { get; } = new(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], static (p, now) =>
    [
        Text(p.User), Text(p.Id), Text(p.Parent), Text(Math.Min(p.CpuPer1000 / 10, 99)), Start(p, now), Terminal(p), Time(p, hours: true), Command(p),
    ]);

    /// <summary>As <c>ps aux</c> has them.</summary>
    public static ProcessColumns Users { get; } =
        new(["USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"], static (p, now) =>
        [
            Text(p.User), Text(p.Id), Share(p.CpuPer1000), Share(p.MemoryPer1000), Text(p.VirtualKib), Text(p.ResidentKib), Terminal(p),
            ForeignText.Plain(p.State, 1) + (p.Threads > 1 ? "l" : ""), Start(p, now), Time(p, hours: false), Command(p),
        ]);

    /// <summary>Their titles.</summary>
    public IReadOnlyList<string> Titles { get; }

    /// <summary>A cell for each title; times are those of <paramref name="now"/>'s offset from UTC.</summary>
    public string[] Row(ProcessEntry process, DateTimeOffset now) => _cells(process, now);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Share(int per1000) => (per1000 / 10m).ToString("F1", CultureInfo.InvariantCulture);

    private static string Terminal(ProcessEntry process) => process.Terminal is { } terminal ? ForeignText.Plain(terminal, MaxTerminal) : "?";

    private static string Command(ProcessEntry process) => ForeignText.Plain(process.Command, ProcessEntry.MaxCommandBytes);

    // The minute of today, the day of this year, or the year.
    private static string Start(ProcessEntry process, DateTimeOffset now)
    {
        DateTimeOffset start = DateTimeOffset.FromUnixTimeMilliseconds(process.StartMs);
        DateTime there = start.UtcDateTime > DateTime.MaxValue - TimeSpan.FromDays(1) ? start.UtcDateTime : start.UtcDateTime + now.Offset;
        return there.ToString(there.Date == now.Date ? "HH:mm" : there.Year == now.Year ? "MMMdd" : "yyyy", CultureInfo.InvariantCulture);
    }

    private static string Time(ProcessEntry process, bool hours)
    {
        long seconds = process.CpuMs / 1000;
        return hours
            ? string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}:{seconds % 60:00}");
    }
}
