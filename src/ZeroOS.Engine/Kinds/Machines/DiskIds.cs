using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>Names of a machine's own disks. A dot cannot be in a tenant's name, so they never meet a volume's.</summary>
internal static class DiskIds
{
    private const string RootSuffix = ".root";

    /// <summary>The machine's writable layer, as a volume.</summary>
    public static WorkloadId Root(WorkloadId machine) => machine with { Name = machine.Name + RootSuffix };

    /// <summary>The machine's image; only its serial number is used.</summary>
    public static WorkloadId Image(WorkloadId machine) => machine with { Name = machine.Name + ".image" };

    /// <summary>Whether it is a writable layer, and of which machine.</summary>
    public static bool IsRoot(WorkloadId disk, out WorkloadId machine)
    {
        bool root = disk.Name.EndsWith(RootSuffix, StringComparison.Ordinal);
        machine = root ? disk with { Name = disk.Name[..^RootSuffix.Length] } : disk;
        return root;
    }
}
