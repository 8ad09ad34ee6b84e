using System.Globalization;

namespace ZeroOS.Siege;

/// <summary>How much of this computer others use: on one that is busy with other things no figure means anything. Times in clock ticks of the kernel.</summary>
internal sealed class ProcessorShare
{
    private readonly (long Busy, long All) _began = Computer();
    private readonly long _own = Own();

    /// <summary>The share of all processors' time since the beginning that neither this process nor a child of its used.</summary>
    public double OfOthers()
    {
        (long busy, long all) = Computer();
        return Math.Max(0, busy - _began.Busy - (Own() - _own)) / (double)Math.Max(1, all - _began.All);
    }

    // proc(5), /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
    private static (long Busy, long All) Computer()
    {
        long[] times = Numbers(File.ReadLines("/proc/stat").First()["cpu".Length..]);
        long all = times[..8].Sum();
        return (all - times[3] - times[4], all);
    }

    // proc(5), /proc/PID/stat: utime, stime, cutime and cstime are the fields 14 to 17, the parent is 4, the first of the numbers here. Children that have
    // ended are in cutime and cstime of ours.
    private static long Own()
    {
        long times = 0;
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(d["/proc/".Length])))
        {
            try
            {
                string line = File.ReadAllText($"{process}/stat");
                long[] fields = Numbers(line[(line.LastIndexOf(')') + 3)..]);
                if (fields[0] == Environment.ProcessId || process == $"/proc/{Environment.ProcessId}")
                    times += fields[10..14].Sum();
            }
            catch (IOException)
            {
                // it has ended
            }
        }
        return times;
    }

    private static long[] Numbers(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(n => long.TryParse(n, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : 0)];
}
