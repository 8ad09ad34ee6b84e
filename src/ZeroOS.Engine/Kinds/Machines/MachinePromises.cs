using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What the machines of a deployment are promised together: addresses, ports of the node, images. Inside the admission's transaction.</summary>
internal static class MachinePromises
{
    /// <summary>Gives every card an address: the one asked for, the one it had, or the first free one.</summary>
    public static void StoreAddresses(EngineStore store, string tenant, Deployment wanted)
    {
        WorkloadId here = new(tenant, wanted.Name, "");
        TenantView view = store.Tenant(tenant);
        Dictionary<(string, string), uint> had = view.Addresses.Where(a => a.Deployment == wanted.Name)
            .ToDictionary(a => (a.Network, a.Machine), a => a.Address);
        ILookup<string, (string Machine, string? Ip)> asked = wanted.Workloads.OfType<ZmachineWorkload>()
            .SelectMany(m => m.Data.Networks, (m, n) => (n.Network, m.Name, n.Ip)).ToLookup(a => a.Network, a => (a.Name, a.Ip));

        List<AddressRow> rows = [];
        foreach (IGrouping<string, (string Machine, string? Ip)> network in asked)
        {
            WorkloadId id = here.Named(network.Key);
            Ipv4Range range = ForeignParts.RangeOf((NetworkWorkload)view.Wanted[id]);
            // What machines of other deployments have in it is theirs.
            Dictionary<uint, WorkloadId> taken = view.Addresses
                .Where(a => a.Deployment != wanted.Name && new WorkloadId(tenant, a.Deployment, a.Machine).Named(a.Network) == id)
                .ToDictionary(a => a.Address, a => new WorkloadId(tenant, a.Deployment, a.Machine));
            void Give(string machine, uint address)
            {
                taken.Add(address, here with { Name = machine });
                rows.Add(new AddressRow(wanted.Name, network.Key, machine, address));
            }
            foreach ((string machine, string? ip) in network.Where(a => a.Ip is not null))
            {
                _ = Ipv4Range.TryParseAddress(ip!, out uint address); // validated before
                if (taken.TryGetValue(address, out WorkloadId other))
                    throw Refuse.Conflict($"{ip} in the network \"{network.Key}\" belongs to machine {other}");
                Give(machine, address);
            }
            List<string> open = [];
            foreach ((string machine, _) in network.Where(a => a.Ip is null))
            {
                // An address the node chose once stays the machine's as long as it can.
                if (had.TryGetValue((network.Key, machine), out uint address) && range.Contains(address) && address > range.Gateway
                    && address < range.Broadcast && !taken.ContainsKey(address))
                    Give(machine, address);
                else
                    open.Add(machine);
            }
            foreach (string machine in open)
                Give(machine, range.FirstFree(taken.ContainsKey)
                    ?? throw Refuse.OverCapacity($"the network \"{network.Key}\" has no free address for machine \"{machine}\""));
        }
        store.SetAddresses(tenant, wanted.Name, rows);
    }

    /// <summary>Reserves the published ports, of machines that wait for their first start only in so far as the grant must have them.</summary>
    public static void StorePorts(EngineStore store, string tenant, Deployment wanted, GrantRow grant)
    {
        _ = PortRanges.TryParse(grant.Grant.Ports, out PortRanges allowed, out _); // validated when it was granted
        List<PortRow> rows = [];
        for (int i = 0; i < wanted.Workloads.Count; i++)
        {
            if (wanted.Workloads[i] is not ZmachineWorkload machine)
                continue;
            WorkloadId id = new(tenant, wanted.Name, machine.Name);
            bool waits = store.Workload(id) is { } row && MachineLifeRules.Waits(machine.Data, row);
            for (int j = 0; j < machine.Data.Publish.Count; j++)
            {
                PublishedPort port = machine.Data.Publish[j];
                string path = $"workloads[{i}].data.publish[{j}].host";
                WorkloadId? owner = store.PortOwner(port.Protocol, port.Host);
                bool own = owner is { } o && o.Tenant == tenant && o.Deployment == wanted.Name;
                // A grant reduced later takes nothing away from what is published already.
                if (!own && !allowed.Contains(port.Host))
                    throw Refuse.Invalid(path, $"port {port.Host} is outside your grant's ports"
                        + $"{(grant.Grant.Ports.Count == 0 ? ", which has none" : $" ({string.Join(", ", grant.Grant.Ports)})")}");
                if (waits)
                    continue;
                if (owner is { } other && !own)
                    throw Refuse.Conflict(other.Tenant == tenant ? $"port {port.Host} is taken by your deployment \"{other.Deployment}\" (machine {other.Name})"
                        : $"port {port.Host} is taken", path);
                rows.Add(new PortRow(port.Protocol, port.Host, id, port.Guest));
            }
        }
        store.SetPorts(tenant, wanted.Name, rows);
    }

    /// <summary>Images that no machine names any more do not count.</summary>
    public static void ForgetImages(EngineStore store, string tenant) => store.KeepImages(tenant,
        store.Tenant(tenant).Deployments.SelectMany(d => d.Content.Workloads).OfType<ZmachineWorkload>().Select(m => m.Data.Flist.Digest)
            .ToHashSet(StringComparer.Ordinal));
}
