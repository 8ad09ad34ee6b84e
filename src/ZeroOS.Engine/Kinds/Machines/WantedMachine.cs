using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What a tenant wants of one machine, with the addresses the node gave it: in every network of <see cref="ZmachineData.Networks"/> one.</summary>
internal sealed record WantedMachine(WorkloadId Id, ZmachineWorkload Machine, IReadOnlyDictionary<string, uint> Addresses, string Fingerprint)
{
    /// <summary>Its cards: which network, and the address there.</summary>
    public IEnumerable<(string Network, uint Address)> Cards => Machine.Data.Networks.Select(n => (n.Network, Addresses[n.Network]));
}
