using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What a tenant wants of one machine, with its deployment and the addresses the node gave.</summary>
internal sealed record WantedMachine(Deployment Deployment, ZmachineWorkload Machine, IReadOnlyList<AddressRow> Addresses, string Fingerprint);
