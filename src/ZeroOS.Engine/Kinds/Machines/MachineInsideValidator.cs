using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>Checks what a deployment says about the rights, limits and file systems of a machine's program.</summary>
internal static class MachineInsideValidator
{
    /// <summary>File systems in memory of one machine at most.</summary>
    public const int MaxTmpfs = 16;

    /// <summary>Options of one of them at most.</summary>
    public const int MaxTmpfsOptions = 16;

    /// <summary>Settings of the kernel at most.</summary>
    public const int MaxSysctls = 64;

    /// <summary>Characters of the value of one at most.</summary>
    public const int MaxSysctlValue = 256;

    /// <summary>Names of capabilities at most, added and dropped each.</summary>
    public const int MaxCapabilities = 64;

    private const int MaxPids = 4_194_304;      // PID_MAX_LIMIT of the kernel
    private const int MinCpuQuota = 10;         // a millisecond in each tenth of a second, the least of cpu.max

    private static readonly ByteSize s_leastMemory = new(4096), s_mostMemory = new(1L << 40);

    /// <summary>Checks one machine; <paramref name="path"/> is its data's place.</summary>
    public static void Check(string path, ZmachineData data)
    {
        CheckCapabilities($"{path}.capAdd", data.CapAdd ?? []);
        CheckCapabilities($"{path}.capDrop", data.CapDrop ?? []);
        if (data is { Privileged: true, CapDrop.Count: > 0 })
            throw Refuse.Invalid($"{path}.capDrop", "a privileged machine has all capabilities; leave out one of both");
        CheckTmpfs($"{path}.tmpfs", data);
        CheckMemory($"{path}.shm", data.Shm);
        CheckUlimits($"{path}.ulimits", data.Ulimits ?? []);
        CheckSysctls($"{path}.sysctls", data.Sysctls ?? new Dictionary<string, string>());
        if (data.Pids is < 1 or > MaxPids)
            throw Refuse.Invalid($"{path}.pids", $"a machine has 1 to {MaxPids} processes and threads; leave it out for no limit");
        if (data.CpuQuota is { } quota && (quota < MinCpuQuota || quota > data.Cpu * 1000))
            throw Refuse.Invalid($"{path}.cpuQuota", $"a quota is {MinCpuQuota} to {data.Cpu * 1000}, thousandths of the machine's {data.Cpu} processors");
    }

    /// <summary>Three or four octal digits.</summary>
    internal static bool IsMode(string text) => text.Length is 3 or 4 && text.All(c => c is >= '0' and <= '7');

    private static void CheckCapabilities(string path, IReadOnlyList<string> names)
    {
        if (names.Count > MaxCapabilities)
            throw Refuse.Invalid(path, $"at most {MaxCapabilities} elements");
        for (int i = 0; i < names.Count; i++)
        {
            if (!Capabilities.IsName(names[i]))
                throw Refuse.Invalid($"{path}[{i}]", "a capability is a name such as NET_ADMIN or CAP_NET_ADMIN, or ALL");
        }
    }

    private static void CheckTmpfs(string path, ZmachineData data)
    {
        IReadOnlyList<MachineTmpfs> all = data.Tmpfs ?? [];
        if (all.Count > MaxTmpfs)
            throw Refuse.Invalid(path, $"a machine has at most {MaxTmpfs} file systems in memory");
        HashSet<string> taken = [.. data.Mounts.Select(m => m.Path)];
        for (int i = 0; i < all.Count; i++)
        {
            MachineTmpfs tmpfs = all[i];
            if (tmpfs.Path == "/dev/shm")
                throw Refuse.Invalid($"{path}[{i}].path", "every machine has /dev/shm; say its size with shm");
            if (!MachineValidator.IsMountPath(tmpfs.Path))
                throw Refuse.Invalid($"{path}[{i}].path",
                    "a path is absolute, has no \".\", \"..\" or empty parts, and is neither / nor below /proc, /sys, /dev");
            if (!taken.Add(tmpfs.Path))
                throw Refuse.Invalid($"{path}[{i}].path", $"something else is mounted on {tmpfs.Path}");
            CheckMemory($"{path}[{i}].size", tmpfs.Size);
            if (tmpfs.Mode is { } mode && !IsMode(mode))
                throw Refuse.Invalid($"{path}[{i}].mode", "a mode is three or four octal digits, such as 1777");
            CheckTmpfsOptions($"{path}[{i}].options", tmpfs.Options ?? []);
        }
    }

    private static void CheckTmpfsOptions(string path, IReadOnlyList<string> options)
    {
        if (options.Count > MaxTmpfsOptions)
            throw Refuse.Invalid(path, $"at most {MaxTmpfsOptions} elements");
        for (int i = 0; i < options.Count; i++)
        {
            if (!TmpfsOptions.IsOption(options[i]))
                throw Refuse.Invalid($"{path}[{i}]", "an option is ro, rw, exec, noexec, suid, nosuid, dev, nodev, uid=N or gid=N");
        }
    }

    private static void CheckMemory(string path, ByteSize? size)
    {
        if (size is { } given && (given.Bytes < s_leastMemory.Bytes || given.Bytes > s_mostMemory.Bytes))
            throw Refuse.Invalid(path, $"a file system in memory has {s_leastMemory} to {s_mostMemory}");
    }

    private static void CheckUlimits(string path, IReadOnlyList<MachineUlimit> limits)
    {
        HashSet<string> names = [];
        for (int i = 0; i < limits.Count; i++)
        {
            MachineUlimit limit = limits[i];
            if (!Ulimits.IsName(limit.Name))
                throw Refuse.Invalid($"{path}[{i}].name", $"a limit is one of {Ulimits.All}");
            if (!names.Add(limit.Name))
                throw Refuse.Invalid($"{path}[{i}].name", $"{limit.Name} is given twice");
            if (limit.Hard < -1 || (limit.Name == Ulimits.OpenFiles && limit.Hard is -1 or > Ulimits.MaxOpenFiles))
                throw Refuse.Invalid($"{path}[{i}].hard", $"a limit is 0 or more, or -1 for none; {Ulimits.OpenFiles} is at most {Ulimits.MaxOpenFiles}");
            if (limit.Soft < -1 || (limit.Hard != -1 && (limit.Soft == -1 || limit.Soft > limit.Hard)))
                throw Refuse.Invalid($"{path}[{i}].soft", "a soft limit is 0 or more, or -1 for none, and at most the hard one");
        }
    }

    private static void CheckSysctls(string path, IReadOnlyDictionary<string, string> sysctls)
    {
        if (sysctls.Count > MaxSysctls)
            throw Refuse.Invalid(path, $"at most {MaxSysctls} settings");
        foreach ((string name, string value) in sysctls)
        {
            if (!Sysctls.IsName(name))
                throw Refuse.Invalid(path, $"\"{name}\": {Sysctls.Rule}");
            if (value.Length is < 1 or > MaxSysctlValue || MachineValidator.HasControl(value.Replace('\t', ' ')))
                throw Refuse.Invalid($"{path}.{name}", $"a value has 1 to {MaxSysctlValue} characters and no control characters but tabs");
        }
    }
}
