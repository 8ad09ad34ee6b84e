using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Host.Machines;

/// <summary>What the kernel says of the node's memory, in bytes; 0 where it does not say.</summary>
/// <param name="Total">All of it.</param>
/// <param name="Available">What can be had without swapping.</param>
/// <param name="Resident">What a process holds and shares with no file.</param>
/// <param name="TurnMs">How often it is looked at.</param>
internal sealed record MemoryReadings(Func<long> Total, Func<long> Available, Func<int, long> Resident, int TurnMs)
{
    private const int MaxText = 8192;

    /// <summary>Those of this node's kernel, once a second.</summary>
    public static MemoryReadings OfKernel { get; } = new(() => Read("MemTotal:"), () => Read("MemAvailable:"), MonitorMemory.Resident, 1_000);

    // "MemAvailable:    1234 kB"
    private static long Read(string name)
    {
        string text = KernelFile.TryRead("/proc/meminfo", out _, MaxText) ?? "";
        int at = text.IndexOf(name, StringComparison.Ordinal);
        if (at < 0)
            return 0;
        ReadOnlySpan<char> rest = text.AsSpan(at + name.Length).TrimStart();
        int end = rest.IndexOf(' ');
        return end > 0 && long.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out long kib) ? kib << 10 : 0;
    }
}
