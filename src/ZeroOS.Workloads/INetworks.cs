using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;

namespace ZeroOS.Workloads;

/// <summary>Tenant networks, each its own namespace. Every call is idempotent: it makes the kernel agree with what is asked for.</summary>
public interface INetworks
{
    /// <summary>Makes the network, or brings it back after a restart of the node.</summary>
    void Ensure(WorkloadId network, NetworkData data);

    /// <summary>Takes the network down; unknown is done already.</summary>
    void Remove(WorkloadId network);

    /// <summary>Makes a machine's card in the network and opens its tap. MAC, IP, ARP and ND are pinned to it.</summary>
    MachineNic Attach(WorkloadId network, WorkloadId machine, IPAddress address);

    /// <summary>Takes the machine's card away; unknown is done already.</summary>
    void Detach(WorkloadId network, WorkloadId machine);

    /// <summary>All published ports of the node, replacing what was there in one step.</summary>
    void Publish(IReadOnlyList<PortMapping> mappings);
}

/// <summary>A card: what the monitor gets (tap, MAC) and what the guest is told. One that does not lead out has no resolvers.</summary>
public sealed record MachineNic(FileDescriptor Tap, string Mac, string AddressWithPrefix, string Gateway, bool LeadsOut, int Mtu,
    IReadOnlyList<string> Resolvers);

/// <summary>A port of the uplink that leads to a machine.</summary>
public sealed record PortMapping(PortProtocol Protocol, int HostPort, WorkloadId Network, IPAddress Guest, int GuestPort);
