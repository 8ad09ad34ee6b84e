using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Health;

/// <summary>The cgroup of probes, below the workload's: what it uses is the workload's, and all that a probe started can be killed at once.</summary>
internal sealed class ProbeGroup(string path = WorkloadCgroup.Path + "/health")
{
    /// <summary>Its folder.</summary>
    internal string Path => path;

    /// <summary>Makes it, if it is not there.</summary>
    /// <exception cref="LinuxException">It cannot be.</exception>
    internal void Make() => Mounts.MakeDirectory(path);

    /// <summary>Kills all that is in it, also what is just being started (cgroup-v2, "cgroup.kill").</summary>
    internal void Kill() => _ = KernelFile.TryWrite(path + "/cgroup.kill", "1");
}
