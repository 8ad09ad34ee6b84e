namespace ZeroOS.Init;

/// <summary>
/// The control groups of what PID 1 starts: one directory each under <c>zeroos</c>, with limits of memory and threads. PID 1 stays in the root group,
/// which has no limits.
/// </summary>
internal sealed class ControlGroups(string root, IBootKernel kernel)
{
    /// <summary>Where the tree is on a node.</summary>
    internal const string Root = "/sys/fs/cgroup/zeroos";

    /// <summary>Hands the controllers down, from the top to where the processes are.</summary>
    internal static void Prepare(IBootKernel kernel)
    {
        kernel.MakeDirectory(Root, 0x1ED);
        foreach (string controller in (string[])["memory", "pids", "cpu", "io"])
        {
            foreach (string level in (string[])["/sys/fs/cgroup", Root])
                _ = kernel.Write($"{level}/cgroup.subtree_control", $"+{controller}");
        }
    }

    /// <summary>Makes a group and sets its limits; 0 is none. A kernel without a controller leaves that limit out.</summary>
    public string Make(string name, long maxMemoryBytes, int maxThreads)
    {
        string path = $"{root}/{name}";
        kernel.MakeDirectory(path, 0x1ED);
        if (maxMemoryBytes > 0)
        {
            _ = kernel.Write($"{path}/memory.max", $"{maxMemoryBytes}");
            _ = kernel.Write($"{path}/memory.swap.max", "0");
            _ = kernel.Write($"{path}/memory.oom.group", "1");
        }
        if (maxThreads > 0)
            _ = kernel.Write($"{path}/pids.max", $"{maxThreads}");
        return path;
    }

    /// <summary>Ends whatever is left in the group and takes it away.</summary>
    public void Remove(string name)
    {
        string path = $"{root}/{name}";
        _ = kernel.Write($"{path}/cgroup.kill", "1");
        try
        {
            Directory.Delete(path);
        }
        catch (IOException)
        {
            // Somebody is still dying in it; an empty directory costs nothing and Make uses it again.
        }
    }
}
