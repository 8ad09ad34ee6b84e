using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// What a program beside the workload joins: the namespaces, the cgroup and the root of the workload's first process. Held only while the program is started.
/// </summary>
internal sealed class WorkloadNamespaces : IDisposable
{
    private WorkloadNamespaces(FileDescriptor pids, FileDescriptor mounts, FileDescriptor cgroups, RootedDirectory root, string cgroup) =>
        (Pids, Mounts, Cgroups, Root, Cgroup) = (pids, mounts, cgroups, root, cgroup);

    /// <summary>Of process ids.</summary>
    internal FileDescriptor Pids { get; }

    /// <summary>Of mounts.</summary>
    internal FileDescriptor Mounts { get; }

    /// <summary>Of cgroups.</summary>
    internal FileDescriptor Cgroups { get; }

    /// <summary>Its root, in which the workload may have put anything.</summary>
    internal RootedDirectory Root { get; }

    /// <summary>The folder of its cgroup, as zguest sees it.</summary>
    internal string Cgroup { get; }

    /// <summary>Opens what process <paramref name="pid"/> is in; the caller knows whose number that is.</summary>
    /// <exception cref="LinuxException">It has ended, or is about to.</exception>
    internal static WorkloadNamespaces Open(int pid, string cgroups = WorkloadCgroup.Root)
    {
        List<IDisposable> opened = [];
        try
        {
            string cgroup = WorkloadCgroup.Of(pid, cgroups);
            RootedDirectory root = Keep(new RootedDirectory($"/proc/{pid}/root"));
            return new WorkloadNamespaces(Space("pid"), Space("mnt"), Space("cgroup"), root, cgroup);
        }
        catch
        {
            opened.ForEach(o => o.Dispose());
            throw;
        }

        FileDescriptor Space(string name) => Keep(FileDescriptor.Open($"/proc/{pid}/ns/{name}", OpenFlags.ReadOnly));

        T Keep<T>(T one) where T : IDisposable
        {
            opened.Add(one);
            return one;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pids.Dispose();
        Mounts.Dispose();
        Cgroups.Dispose();
        Root.Dispose();
    }
}
