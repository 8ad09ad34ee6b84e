using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Host.Machines;

/// <summary>What a monitor has had of the node's processors, by the kernel's word.</summary>
internal static class MonitorProcessor
{
    // USER_HZ of x86-64: the unit of times in /proc.
    private const long NanosecondsPerTick = 10_000_000;

    /// <summary>Nanoseconds, user and system, of all threads of process <paramref name="pid"/> (stat of proc(5)); 0 if it is gone.</summary>
    public static long Nanoseconds(int pid)
    {
        string text = KernelFile.TryRead($"/proc/{pid}/stat", out _, 1024) ?? "";
        // The name, which may hold anything, stands in brackets; utime and stime are fields 14 and 15, the first behind the name is 3.
        string[] fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 12 && long.TryParse(fields[11], NumberStyles.None, CultureInfo.InvariantCulture, out long user)
            && long.TryParse(fields[12], NumberStyles.None, CultureInfo.InvariantCulture, out long system)
            ? (user + system) * NanosecondsPerTick : 0;
    }
}
