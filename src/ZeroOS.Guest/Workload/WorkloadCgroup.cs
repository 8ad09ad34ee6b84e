using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>The cgroup the workload runs in.</summary>
internal static class WorkloadCgroup
{
    /// <summary>Where cgroups are.</summary>
    internal const string Root = "/sys/fs/cgroup";

    /// <summary>Its folder.</summary>
    internal const string Path = Root + "/workload";

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
