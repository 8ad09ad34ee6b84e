using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>
/// Networks and volumes that machines of other deployments of the same tenant use. A machine names only what is there, and what is named stays as it is until
/// no machine names it any more. Inside the admission's transaction.
/// </summary>
internal static class ForeignParts
{
    /// <summary>What a machine names of other deployments is there and fits it; <paramref name="path"/> is its data's place.</summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, with the path of the fault.</exception>
    public static void Check(EngineStore store, WorkloadId machine, ZmachineData data, string path)
    {
        List<(string Network, Ipv4Range Range)> ranges = [];
        for (int i = 0; i < data.Networks.Count; i++)
        {
            MachineNetwork network = data.Networks[i];
            string at = $"{path}.networks[{i}]";
            Ipv4Range range = RangeOf(Part<NetworkWorkload>(store, machine, network.Network, $"{at}.network", "network"));
            if (ranges.Find(r => r.Range.Overlaps(range)) is { Network: { } other })
                throw Refuse.Invalid($"{at}.network", $"the ranges of \"{network.Network}\" and \"{other}\" overlap; one machine cannot be in both");
            ranges.Add((network.Network, range));
            if (network.Ip is { } ip && Ipv4Range.TryParseAddress(ip, out uint address))
                MachineValidator.CheckAddress($"{at}.ip", ip, address, range);
        }
        if (data.Publish.Count > 0 && OutwardNetwork.Of(store, machine, data) is null)
            throw Refuse.Invalid($"{path}.publish", "a machine whose networks are all internal cannot publish a port");
        for (int i = 0; i < data.Mounts.Count; i++)
            _ = Part<ZmountWorkload>(store, machine, data.Mounts[i].Volume, $"{path}.mounts[{i}].volume", "zmount");
    }

    /// <summary>
    /// What other deployments' machines use of this one is still in it: networks as they are, and volumes. <paramref name="wanted"/> is null when the
    /// deployment goes.
    /// </summary>
    /// <exception cref="Contracts.Bus.BusErrorException">conflict, naming the part and a machine that uses it.</exception>
    public static void RequireKept(EngineStore store, string tenant, Deployment old, Deployment? wanted)
    {
        Dictionary<string, Workload> kept = (wanted?.Workloads ?? []).ToDictionary(w => w.Name, StringComparer.Ordinal);
        foreach ((WorkloadId machine, WorkloadId part) in Uses(store, tenant).Where(u => u.Part.Deployment == old.Name))
        {
            switch (old.Workloads.FirstOrDefault(w => w.Name == part.Name))
            {
                case NetworkWorkload network when (kept.GetValueOrDefault(part.Name) as NetworkWorkload)?.Data != network.Data:
                    throw Refuse.Conflict($"the network \"{part.Name}\" is used by machine {machine}; it stays as it is as long as that is so");
                case ZmountWorkload when kept.GetValueOrDefault(part.Name) is not ZmountWorkload:
                    throw Refuse.Conflict($"the volume \"{part.Name}\" is used by machine {machine}; it stays as long as that is so");
                default:
                    break;
            }
        }
    }

    /// <summary>A network's range; a stored one was checked.</summary>
    public static Ipv4Range RangeOf(NetworkWorkload network) => Ipv4Range.TryParse(network.Data.Range, out Ipv4Range range, out _) ? range : default;

    /// <summary>The part of a deployment that a machine's reference names.</summary>
    private static T Part<T>(EngineStore store, WorkloadId machine, string reference, string path, string kind) where T : Workload
    {
        WorkloadId part = machine.Named(reference);
        if (part.Deployment == machine.Deployment && reference.Contains('/', StringComparison.Ordinal))
            throw Refuse.Invalid(path, $"a part of the same deployment is named without it: \"{part.Name}\"");
        return store.Deployment(part.Tenant, part.Deployment) is { Deleting: false } owner
            && owner.Content.Workloads.FirstOrDefault(w => w.Name == part.Name) is T found
            ? found : throw Refuse.Invalid(path, $"you have no deployment \"{part.Deployment}\" with a {kind} \"{part.Name}\"");
    }

    private static IEnumerable<(WorkloadId Machine, WorkloadId Part)> Uses(EngineStore store, string tenant)
    {
        foreach (DeploymentRow row in store.Tenant(tenant).Deployments.Where(d => !d.Deleting))
        {
            foreach (ZmachineWorkload machine in row.Content.Workloads.OfType<ZmachineWorkload>())
            {
                WorkloadId id = new(tenant, row.Content.Name, machine.Name);
                foreach (string reference in machine.Data.Networks.Select(n => n.Network).Concat(machine.Data.Mounts.Select(m => m.Volume)))
                {
                    if (reference.Contains('/', StringComparison.Ordinal))
                        yield return (id, id.Named(reference));
                }
            }
        }
    }
}
