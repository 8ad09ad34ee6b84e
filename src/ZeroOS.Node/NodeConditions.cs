using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Admission;
using ZeroOS.Host.Network;

namespace ZeroOS.Node;

/// <summary>
/// What a node needs, each as well or as missing with the reason in words; the same for the bus and for the screen. What is not known yet is left out.
/// </summary>
internal sealed record NodeConditions
{
    /// <summary>Why there are no farm settings, or what was found and is not in force; null if all is well.</summary>
    public (string Reason, string Message)? Farm { get; init; }

    /// <summary>Why it cannot be who it is; null if it is.</summary>
    public LockedState? Locked { get; init; }

    /// <summary>The way out, once looked at.</summary>
    public UplinkState? Uplink { get; init; }

    /// <summary>The clock has begun to be set, and what is wrong with it.</summary>
    public (bool Begun, (string Reason, string Message)? Trouble) Clock { get; init; }

    /// <summary>Whether what is written survives, once disks were looked at.</summary>
    public bool? Persistent { get; init; }

    /// <summary>What is wrong with one of the node's disks, a sentence; null if nothing is.</summary>
    public string? DiskTrouble { get; init; }

    /// <summary>/dev/kvm is there.</summary>
    public bool CanVirtualize { get; init; }

    /// <summary>What tenants may have, once known.</summary>
    public EngineLimits? Limits { get; init; }

    /// <summary>All of them.</summary>
    internal IReadOnlyList<NodeCondition> All => [.. List()];

    private IEnumerable<NodeCondition> List()
    {
        if (Farm is (string why, string settings))
            yield return Missing("farm", why, settings);
        if (Locked is { } locked)
            yield return Missing("identity", locked.Reason,
                $"locked: {locked.Message}; the farm's recovery key can end that (zos node recover). It was {locked.NodeId}");
        if (Uplink is { } uplink)
            yield return uplink.Conditions.FirstOrDefault(c => !c.Ok) is { } broken ? Missing("network", $"no-{broken.Name}", broken.Message) : Well("network");
        if (Clock is (true, var wrong))
            yield return wrong is (string reason, string message) ? Missing("clock", reason, message) : Well("clock");
        if (Persistent is { } persistent)
            yield return persistent ? DiskTrouble is { } trouble ? Missing("storage", "disk-failed", trouble) : Well("storage")
                : Missing("storage", "no-disk", "no usable disk: everything is in memory and is lost with the power");
        if (!CanVirtualize)
            yield return Missing("machines", "no-virtualization",
                "no machine can run: the processor offers no virtualization; switch it on in the firmware's setup (VT-x, AMD-V, SVM)");
        else if (Limits is { Capacity.Machines: 0 } limits)
            yield return Missing("machines", "too-little-memory",
                $"too little memory for any machine: {limits.MemoryBytes >> 20} MiB, of which the node itself needs {limits.MemoryReserveBytes >> 20}");
        else if (Limits is not null)
            yield return Well("machines");
    }

    private static NodeCondition Well(string name) => new() { Name = name, Ok = true };

    private static NodeCondition Missing(string name, string reason, string message) => new() { Name = name, Ok = false, Reason = reason, Message = message };
}
