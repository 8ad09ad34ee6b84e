using System.Collections.Frozen;

using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Engine.Store;

namespace ZeroOS.Node.Update;

/// <summary>
/// Whether the node can still run the machines that ran before an update. Only reasons count that the node gives before anything of a tenant's has run: a
/// tenant whose guest ends on purpose, whose image is gone, or who asks for something else meanwhile, must not be able to send a version back.
/// </summary>
internal static class MachineHealth
{
    /// <summary>
    /// What is the node's fault alone: the monitor does not start, the guest's own kernel does not come up, a network or volume of the node's is not there.
    /// </summary>
    private static readonly FrozenSet<string> s_ownFaults = FrozenSet.Create(StringComparer.Ordinal,
        "spawn-failed", RestartRule.NotBooted, "card-busy", "network-missing", "no-storage", "name-taken", "internal");

    /// <summary>Looks at the machines and at what they need, as far as their deployments are those of before.</summary>
    public static HealthFinding Examine(EngineStore store, IReadOnlyList<ExpectedMachine> expected)
    {
        foreach (IGrouping<(string Tenant, string Deployment), ExpectedMachine> machines in expected.GroupBy(m => (m.Tenant, m.Deployment)))
        {
            // A deployment that was changed since says nothing about the node: whoever changed it may have meant it to fail.
            (string tenant, string deployment) = machines.Key;
            if (store.Deployment(tenant, deployment) is not { } now || machines.Any(m => m.Version is { } version && version != now.Content.Version))
                continue;
            HashSet<string> names = [.. machines.Select(m => m.Name)];
            foreach (WorkloadRow row in store.Workloads(tenant, deployment)
                .Where(w => !w.Removed && !w.Stopped && (w.Type != WorkloadRow.Zmachine || names.Contains(w.Id.Name))))
            {
                // No names: an owner reads this, and what a tenant runs is the tenant's.
                if (row.Reason is { } reason && s_ownFaults.Contains(reason))
                    return new HealthFinding("machines", $"what a machine that ran before needs of the node is not well: {reason}");
            }
        }
        return HealthFinding.Well;
    }
}
