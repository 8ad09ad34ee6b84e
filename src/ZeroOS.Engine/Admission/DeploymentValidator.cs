using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Engine.Admission;

/// <summary>
/// Everything about a deployment that can be judged without knowing the node: names, sizes, ranges and every reference between its workloads. The first fault
/// found is thrown as <c>invalid</c> with its exact path. What depends on the node (grant, ports taken, capacity) is <see cref="DeploymentAdmission"/>'s.
/// </summary>
internal static class DeploymentValidator
{
    /// <summary>Workloads in a deployment at most.</summary>
    public const int MaxWorkloads = 64;

    /// <summary>The least a tenant may ask for; a disk smaller than the ext4 template is made as large as that.</summary>
    public const long MinDiskBytes = 128L << 20;

    /// <summary>What ext4 with 4 KiB blocks and 32-bit block numbers holds.</summary>
    public const long MaxDiskBytes = 16L << 40;

    /// <summary>Checks the whole graph.</summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, with the path of the first fault.</exception>
    public static void Check(Deployment deployment)
    {
        if (!Names.IsValid(deployment.Name))
            throw Refuse.Invalid("name", $"a deployment's name is {Names.Rule}");
        if (deployment.Version < 1)
            throw Refuse.Invalid("version", "a version is 1 or above");
        if (deployment.Workloads.Count is < 1 or > MaxWorkloads)
            throw Refuse.Invalid("workloads", $"a deployment has 1 to {MaxWorkloads} workloads");

        Dictionary<string, Workload> byName = new(StringComparer.Ordinal);
        for (int i = 0; i < deployment.Workloads.Count; i++)
        {
            Workload workload = deployment.Workloads[i];
            if (!Names.IsValid(workload.Name))
                throw Refuse.Invalid($"workloads[{i}].name", $"a workload's name is {Names.Rule}");
            if (!byName.TryAdd(workload.Name, workload))
                throw Refuse.Invalid($"workloads[{i}].name", $"the name \"{workload.Name}\" is given twice");
        }

        Dictionary<string, Ipv4Range> ranges = new(StringComparer.Ordinal);
        for (int i = 0; i < deployment.Workloads.Count; i++)
        {
            switch (deployment.Workloads[i])
            {
                case NetworkWorkload network:
                    if (!Ipv4Range.TryParse(network.Data.Range, out Ipv4Range range, out string why))
                        throw Refuse.Invalid($"workloads[{i}].data.range", $"the range {why}");
                    ranges.Add(network.Name, range);
                    break;
                case ZmountWorkload volume:
                    CheckDisk($"workloads[{i}].data.size", volume.Data.Size);
                    break;
            }
        }

        MachineValidator machines = new(byName, ranges);
        for (int i = 0; i < deployment.Workloads.Count; i++)
        {
            if (deployment.Workloads[i] is ZmachineWorkload machine)
                machines.Check($"workloads[{i}].data", machine);
        }
    }

    /// <summary>Checks a guest disk's size.</summary>
    public static void CheckDisk(string path, ByteSize size)
    {
        if (size.Bytes < MinDiskBytes)
            throw Refuse.Invalid(path, "a disk has at least 128MiB");
        if (size.Bytes > MaxDiskBytes)
            throw Refuse.Invalid(path, "a disk has at most 16TiB");
    }
}
