using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Host.Machines;

/// <summary>What a monitor holds of the node's memory, by the kernel's word.</summary>
internal static class MonitorMemory
{
    /// <summary>Bytes that process <paramref name="pid"/> holds and shares with no file (statm of proc(5)); 0 if it is gone.</summary>
    public static long Resident(int pid)
    {
        string[] pages = (KernelFile.TryRead($"/proc/{pid}/statm", out _, 128) ?? "").Split(' ');
        return pages.Length > 2 && long.TryParse(pages[1], NumberStyles.None, CultureInfo.InvariantCulture, out long resident)
            && long.TryParse(pages[2], NumberStyles.None, CultureInfo.InvariantCulture, out long shared)
            ? Math.Max(0, resident - shared) * Environment.SystemPageSize : 0;
    }
}
