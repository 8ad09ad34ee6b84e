using System.Globalization;

namespace ZeroOS.Node.Screen;

/// <summary>How busy all processors were since the last look, from the first line of /proc/stat (proc(5)).</summary>
internal sealed class ProcessorMeter
{
    private long _busy, _all;

    /// <summary>Percent; 0 at the first look and for what is no such line.</summary>
    internal int Percent(string stat)
    {
        // "cpu" user nice system idle iowait irq softirq steal guest guest_nice; guests' time is in user and nice already.
        long[] ticks = [.. stat.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(Number)];
        if (ticks.Length < 5)
            return 0;
        long all = ticks.Sum(), busy = all - ticks[3] - ticks[4];
        (long moreBusy, long more) = (busy - _busy, all - _all);
        bool first = _all == 0;
        (_busy, _all) = (busy, all);
        return first || more <= 0 ? 0 : (int)Math.Clamp(moreBusy * 100 / more, 0, 100);
    }

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : 0;
}
