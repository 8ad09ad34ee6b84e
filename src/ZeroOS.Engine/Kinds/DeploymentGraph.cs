using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Kinds.Machines;

namespace ZeroOS.Engine.Kinds;

/// <summary>A deployment while it is checked: its workloads by name, and what the kinds that were checked so far found.</summary>
internal sealed class DeploymentGraph
{
    private readonly Dictionary<string, Ipv4Range> _ranges = new(StringComparer.Ordinal);

    public DeploymentGraph(IReadOnlyDictionary<string, Workload> workloads) => Machines = new MachineValidator(workloads, _ranges);

    /// <summary>What the machines checked so far have taken of each other.</summary>
    public MachineValidator Machines { get; }

    /// <summary>A network's range was found to be one.</summary>
    public void Add(string network, Ipv4Range range) => _ranges.Add(network, range);
}
