using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Admission;

/// <summary>What a grant allows, from its stored row alone.</summary>
internal static class GrantRules
{
    /// <summary>A reduced grant's tenant has so many powered-on, synced seconds (7 days) before machines above it stop.</summary>
    public const long NoticeSeconds = 7 * 24 * 3600;

    /// <summary>The longest grace: ten years.</summary>
    public const long MaxGraceSeconds = 10L * 366 * 24 * 3600;

    /// <summary>Checks what an owner sends.</summary>
    /// <exception cref="BusErrorException">invalid, with the path.</exception>
    public static void Check(Grant grant)
    {
        if (!KeyId.TryParse(grant.Grantee, out _))
            throw Refuse.Invalid("grantee", "not a key id");
        if (grant.Version < 1)
            throw Refuse.Invalid("version", "a version is 1 or above");
        if (grant.Machines is < 0 or > 10_000)
            throw Refuse.Invalid("machines", "0 to 10000 machines");
        if (grant.Cpu is < 0 or > 100_000)
            throw Refuse.Invalid("cpu", "0 to 100000 virtual processors");
        if (grant.Ports.Count > 256)
            throw Refuse.Invalid("ports", "at most 256 ports and ranges");
        if (!PortRanges.TryParse(grant.Ports, out _, out int wrong))
            throw Refuse.Invalid($"ports[{wrong}]", "a port such as 8080, or a range such as 30000-30100");
        if (grant.Expires <= grant.NotBefore)
            throw Refuse.Invalid("expires", "a grant ends after it begins");
        if (grant.GraceSeconds is < 0 or > MaxGraceSeconds)
            throw Refuse.Invalid("graceSeconds", "0 seconds to 10 years");
    }

    /// <summary>The grant, if machines may run under it.</summary>
    /// <exception cref="BusErrorException">denied.</exception>
    public static GrantRow RequireActive(GrantRow? row) => row?.Phase switch
    {
        GrantPhase.Active => row,
        GrantPhase.Waiting => throw Refuse.Denied($"your grant on this node begins at {row.Grant.NotBefore:yyyy-MM-dd'T'HH:mm:ss'Z'}"),
        GrantPhase.Ended => throw Refuse.Denied("your grant on this node has ended; until its grace is over you may list and delete"),
        _ => throw Refuse.Denied("you have no grant on this node"),
    };

    /// <summary>Whether more is reserved than the grant allows.</summary>
    public static bool IsOver(Grant grant, ResourceUse use) =>
        use.Machines > grant.Machines || use.Cpu > grant.Cpu || use.Memory > grant.Memory.Bytes || use.Storage > grant.Storage.Bytes;

    /// <summary>
    /// Machines that the grant keeps from running, with the reason code: all of them once it ended, the newest after the notice when it is too small.
    /// </summary>
    public static IReadOnlyDictionary<WorkloadId, string> Held(TenantView view)
    {
        Dictionary<WorkloadId, string> held = [];
        IEnumerable<WorkloadRow> machines = view.Workloads.Where(w => w.Type == WorkloadRow.Zmachine);
        if (view.Grant is not { Phase: GrantPhase.Active } row)
        {
            string reason = view.Grant?.Phase == GrantPhase.Waiting ? "grant-not-begun" : "grant-ended";
            foreach (WorkloadRow machine in machines)
                held[machine.Id] = reason;
            return held;
        }
        if (row.OverUsed < NoticeSeconds)
            return held;
        ResourceUse sum = default;
        foreach (WorkloadRow machine in machines.OrderBy(m => m.Sequence))
        {
            ResourceUse with = sum + new ResourceUse(1, machine.Cpu, machine.Memory, 0);
            if (with.Machines > row.Grant.Machines || with.Cpu > row.Grant.Cpu || with.Memory > row.Grant.Memory.Bytes)
                held[machine.Id] = "over-grant";
            else
                sum = with;
        }
        return held;
    }
}
