using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Kinds.Networks;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What a machine waits for before it starts: its networks and volumes, and whoever still has one of its volumes or addresses.</summary>
internal static class MachinePrerequisites
{
    /// <summary>The first thing that is missing, as a reason code and a sentence; null: it may start. <paramref name="all"/>: what its tenant wants.</summary>
    public static (string Reason, string Message)? Missing(TenantSteps steps, WantedMachine machine, IReadOnlyDictionary<WorkloadId, WantedMachine> all)
    {
        EngineStore store = steps.Parts.Store;
        WorkloadId id = machine.Id;
        IReadOnlyList<WorkloadRow> others = [.. store.HoldingMachines(id.Tenant).Where(w => w.Id != id)];
        foreach (string name in machine.Machine.Data.Networks.Select(n => n.Network))
        {
            WorkloadId network = id.Named(name);
            if (store.Deployment(network.Tenant, network.Deployment)?.Content.Workloads.FirstOrDefault(w => w.Name == network.Name)
                is not NetworkWorkload asked || steps.MadeFrom(network) != NetworkKind.Fingerprint(asked.Data))
                return ("waiting-for-network", $"network \"{name}\" is not there yet");
        }
        foreach (string name in machine.Machine.Data.Mounts.Select(m => m.Volume))
        {
            WorkloadId volume = id.Named(name);
            if (steps.MadeFrom(volume) is null)
                return ("waiting-for-volume", $"volume \"{name}\" is not there yet");
            if (others.FirstOrDefault(w => w.Live && Mounts(w.Id, volume)) is { } user)
                return ("volume-in-use", $"volume \"{name}\" is used by machine {user.Id}; one machine has it at a time");
        }
        HashSet<(WorkloadId, string)> cards = [.. machine.Cards.Select(c => (id.Named(c.Network), Ipv4Range.Text(c.Address)))];
        return others.FirstOrDefault(w => w.AttachedCards.Any(c => cards.Contains((w.Id.Named(c.Network), c.Address)))) is { } other
            ? ("waiting-for-address", $"machine \"{other.Id.Name}\" still has its address") : null;

        bool Mounts(WorkloadId user, WorkloadId volume) =>
            all.GetValueOrDefault(user)?.Machine.Data.Mounts.Any(m => user.Named(m.Volume) == volume) == true;
    }
}
