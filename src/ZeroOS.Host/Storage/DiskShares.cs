using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>
/// Makes the weights of control groups count on a disk (io.cost, cgroup-v2.rst, "IO"): whoever writes and flushes without end then waits for others. The kernel
/// measures what the disk can do by itself. <paramref name="blockDevices"/> and <paramref name="controlGroups"/> are elsewhere in tests.
/// </summary>
internal sealed class DiskShares(string blockDevices = "/sys/block", string controlGroups = "/sys/fs/cgroup")
{
    /// <summary>Turns weights on for the disk; the reason when the kernel cannot.</summary>
    public Errno Enable(string disk)
    {
        string? number = KernelFile.TryRead($"{blockDevices}/{disk}/dev", out Errno errno)?.Trim();
        return number is null ? errno : KernelFile.TryWrite($"{controlGroups}/io.cost.qos", $"{number} enable=1");
    }
}
