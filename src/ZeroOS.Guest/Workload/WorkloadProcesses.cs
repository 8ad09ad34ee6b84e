using System.Globalization;

using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// The processes of the workload and those beside it, as zguest's own /proc shows them: all that are in a namespace of process ids below zguest's.
/// </summary>
internal static class WorkloadProcesses
{
    // A process may be in 65,536 groups, and all of them stand before its numbers.
    private const int MaxStatus = 1 << 20, MaxStat = 4096;

    private const int TicksASecond = 100;       // USER_HZ

    // Terminals of a devpts (Documentation/admin-guide/devices.txt): 136 to 143, 256 each.
    private const int FirstTerminalMajor = 136, LastTerminalMajor = 143;

    /// <summary>Reads them in the order of their numbers. One that ends meanwhile is left out.</summary>
    internal static IEnumerable<ProcessEntry> Read() => Read("/proc", KernelClock.UnixTimeNs / 1_000_000, KernelClock.BootTimeNs / 1_000_000);

    /// <summary>As above, of a folder like /proc, at this time, and as long after the kernel's start.</summary>
    internal static IEnumerable<ProcessEntry> Read(string proc, long unixMs, long sinceBootMs)
    {
        long memoryKib = Math.Max(Line(KernelFile.TryRead(proc + "/meminfo", out _) ?? "", "MemTotal:") is [var kib, ..] ? Number(kib) : 0, 1);
        int[] numbers = [.. Directory.EnumerateDirectories(proc).Select(d => Path.GetFileName(d)).Select(Number).Where(n => n > 0).Select(n => (int)n).Order()];
        foreach (int number in numbers)
        {
            if (KernelFile.TryRead($"{proc}/{number}/status", out _, MaxStatus) is { } status && InWorkload(status) is { } id
                && KernelFile.TryRead($"{proc}/{number}/stat", out _, MaxStat) is { } line && ProcessStat.TryParse(line) is { } stat)
            {
                long startMs = stat.StartTicks * 1000 / TicksASecond, cpuMs = stat.CpuTicks * 1000 / TicksASecond;
                long residentKib = stat.ResidentPages * (Environment.SystemPageSize / 1024);
                yield return new ProcessEntry
                {
                    Id = id,
                    Parent = KernelFile.TryRead($"{proc}/{stat.Parent}/status", out _, MaxStatus) is { } parent ? InWorkload(parent) ?? 0 : 0,
                    User = Line(status, "Uid:") is [_, var effective, ..] ? (uint)Number(effective) : 0,
                    State = stat.State.ToString(),
                    Threads = stat.Threads,
                    StartMs = Math.Max(unixMs - sinceBootMs + startMs, 0),
                    CpuMs = cpuMs,
                    CpuPer1000 = (int)Math.Min(cpuMs * 1000 / Math.Max(sinceBootMs - startMs, 1), int.MaxValue),
                    MemoryPer1000 = (int)Math.Min(residentKib * 1000 / memoryKib, 1000),
                    VirtualKib = stat.VirtualBytes / 1024,
                    ResidentKib = residentKib,
                    Terminal = Terminal(stat.Terminal),
                    Command = Command(KernelFile.TryRead($"{proc}/{number}/cmdline", out _, ProcessEntry.MaxCommandBytes) ?? "", stat),
                };
            }
        }
    }

    // Its number one level below zguest (proc_pid_status(5), "NSpid"); null: it is not there.
    private static int? InWorkload(string status) => Line(status, "NSpid:") is [_, var id, ..] ? (int)Number(id) : null;

    private static string Command(string arguments, ProcessStat stat) => stat.State == 'Z' ? $"[{stat.Name}] <defunct>"
        : arguments.TrimEnd('\0') is { Length: > 0 } words ? words.Replace('\0', ' ')
        : $"[{stat.Name}]";

    private static string? Terminal(int device)
    {
        int major = (device >> 8) & 0xFFF, minor = (device & 0xFF) | ((device >> 12) & 0xFFF00);
        return major is >= FirstTerminalMajor and <= LastTerminalMajor ? $"pts/{((major - FirstTerminalMajor) * 256) + minor}" : null;
    }

    // The words behind a name at the start of a line. No process can write a line of its own: the kernel escapes what it calls itself.
    private static string[] Line(string text, string name)
    {
        int at = text.StartsWith(name, StringComparison.Ordinal) ? 0 : text.IndexOf("\n" + name, StringComparison.Ordinal) + 1;
        if (at == 0 && !text.StartsWith(name, StringComparison.Ordinal))
            return [];
        int end = text.IndexOf('\n', at);
        return text[(at + name.Length)..(end < 0 ? text.Length : end)].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
    }

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
}
