namespace ZeroOS.Guest.Workload;

/// <summary>The cgroup the workload runs in.</summary>
internal static class WorkloadCgroup
{
    /// <summary>Its folder.</summary>
    internal const string Path = "/sys/fs/cgroup/workload";
}
