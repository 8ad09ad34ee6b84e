using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>The cgroup the workload runs in.</summary>
internal static class WorkloadCgroup
{
    /// <summary>Where cgroups are.</summary>
    internal const string Root = "/sys/fs/cgroup";

    /// <summary>Its folder.</summary>
    internal const string Path = Root + "/workload";

    private const int PeriodUs = 100_000;

    /// <summary>Bounds it: processes and threads, and thousandths of a processor; null is no bound.</summary>
    /// <exception cref="LinuxException">The kernel refused one.</exception>
    internal static void Limit(int? pids, int? cpuQuota, string path = Path)
    {
        if (pids is { } most)
            KernelFile.Write(path + "/pids.max", $"{most}");
        if (cpuQuota is { } quota)
            KernelFile.Write(path + "/cpu.max", $"{(long)quota * PeriodUs / 1000} {PeriodUs}");
    }

    /// <summary>
    /// The folder of the cgroup that a process is in, below <paramref name="root"/>: the workload's, or one in it where a workload that may make some went.
    /// </summary>
    /// <exception cref="LinuxException">There is no such process.</exception>
    internal static string Of(int pid, string root)
    {
        const string Unified = "0::";
        foreach (string line in KernelFile.Read($"/proc/{pid}/cgroup").Split('\n'))
        {
            if (line.StartsWith(Unified, StringComparison.Ordinal))
                return root + line[Unified.Length..].TrimEnd('/');
        }
        return Path;
    }
}
