using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Node;

/// <summary>The computer's memory, in bytes (proc_meminfo(5)).</summary>
internal static class NodeMemory
{
    /// <summary>All that the kernel has.</summary>
    public static long TotalBytes => Read("MemTotal");

    /// <summary>What programs could still have without swapping.</summary>
    public static long AvailableBytes => Read("MemAvailable");

    private static long Read(string which)
    {
        string line = KernelFile.Read("/proc/meminfo").Split('\n').First(l => l.StartsWith(which + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
