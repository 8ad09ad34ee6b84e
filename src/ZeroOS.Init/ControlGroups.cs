using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// The control groups of what PID 1 starts: one directory each under <c>zeroos</c>, with limits of memory and threads. PID 1 stays in the root group,
/// which has no limits.
/// </summary>
internal sealed class ControlGroups(string root, IBootKernel kernel)
{
    /// <summary>Where the tree is on a node.</summary>
    internal const string Root = "/sys/fs/cgroup/zeroos";

    private const int CpuPeriodUs = 100_000;

    /// <summary>Hands the controllers down, from the top to where the processes are.</summary>
    internal static void Prepare(IBootKernel kernel)
    {
        kernel.MakeDirectory(Root, Mode.FolderForAll);
        foreach (string controller in (string[])["memory", "pids", "cpu", "io"])
        {
            foreach (string level in (string[])["/sys/fs/cgroup", Root])
                _ = kernel.Write($"{level}/cgroup.subtree_control", $"+{controller}");
        }
    }

    /// <summary>Makes a group and sets its limits. A kernel without a controller leaves that limit out.</summary>
    public string Make(string name, GroupLimits limits)
    {
        string path = $"{root}/{name}";
        kernel.MakeDirectory(path, Mode.FolderForAll);
        if (limits.MemoryBytes > 0)
        {
            _ = kernel.Write($"{path}/memory.max", $"{limits.MemoryBytes}");
            _ = kernel.Write($"{path}/memory.swap.max", "0");
            _ = kernel.Write($"{path}/memory.oom.group", "1");
        }
        _ = kernel.Write($"{path}/pids.max", $"{limits.Threads}");
        _ = kernel.Write($"{path}/cpu.weight", $"{limits.CpuWeight}");
        _ = kernel.Write($"{path}/io.weight", $"{limits.IoWeight}");
        if (limits.Processors > 0)
            _ = kernel.Write($"{path}/cpu.max", $"{limits.Processors * CpuPeriodUs} {CpuPeriodUs}");
        return path;
    }

    /// <summary>Memory of role node that is not reclaimed for guests, in bytes.</summary>
    internal const long NodeLowBytes = 256L << 20;

    /// <summary>
    /// Memory of role node at most, in bytes: half of the computer's, which is what it keeps in memory where there is no disk, and 2 GiB; three quarters of the
    /// computer's where that is less. 0 when the kernel does not say how much there is.
    /// </summary>
    public long NodeBytes()
    {
        const string Total = "MemTotal:";
        string? line = kernel.Read("/proc/meminfo")?.Split('\n').FirstOrDefault(l => l.StartsWith(Total, StringComparison.Ordinal));
        if (line is null || !long.TryParse(line[Total.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), NumberStyles.None,
            CultureInfo.InvariantCulture, out long kibibytes))
            return 0;
        long bytes = kibibytes << 10;
        return Math.Min(bytes / 4 * 3, (bytes / 2) + (2L << 30));
    }

    /// <summary>Keeps memory of a group from being reclaimed for others; the whole tree is told, too, or it would protect nothing of the group's.</summary>
    public void Protect(string name, long bytes)
    {
        _ = kernel.Write($"{root}/memory.low", $"{bytes}");
        _ = kernel.Write($"{root}/{name}/memory.low", $"{bytes}");
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
