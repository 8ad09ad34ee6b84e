using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Kinds;

namespace ZeroOS.Engine.Deployments;

/// <summary>
/// Everything about a deployment that can be judged without knowing the node: names, sizes, ranges and every reference between its workloads. The first fault
/// found is thrown as <c>invalid</c> with its exact path. What depends on the node (grant, ports taken, capacity) is <see cref="DeploymentAdmission"/>'s.
/// </summary>
internal static class DeploymentValidator
{
    /// <summary>Workloads in a deployment at most.</summary>
    public const int MaxWorkloads = 64;

    /// <summary>Checks the whole graph.</summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, with the path of the first fault.</exception>
    public static void Check(Deployment deployment)
    {
        if (!Names.IsValid(deployment.Name))
            throw Refuse.Invalid("name", $"a deployment's name is {Names.Rule}");
        if (deployment.Version < 1)
            throw Refuse.Invalid("version", "a version is 1 or above");
        if (deployment.Workloads.Count is < 1 or > MaxWorkloads)
            throw Refuse.Invalid("workloads", $"a deployment has 1 to {MaxWorkloads} workloads");
        AnnotationRules.Check(deployment.Annotations);

        Dictionary<string, Workload> byName = new(StringComparer.Ordinal);
        for (int i = 0; i < deployment.Workloads.Count; i++)
        {
            Workload workload = deployment.Workloads[i];
            if (!Names.IsValid(workload.Name))
                throw Refuse.Invalid($"workloads[{i}].name", $"a workload's name is {Names.Rule}");
            if (!byName.TryAdd(workload.Name, workload))
                throw Refuse.Invalid($"workloads[{i}].name", $"the name \"{workload.Name}\" is given twice");
        }

        DeploymentGraph graph = new(byName);
        foreach (IWorkloadKind kind in WorkloadKinds.InOrder)
        {
            for (int i = 0; i < deployment.Workloads.Count; i++)
            {
                if (kind.Is(deployment.Workloads[i]))
                    kind.Check($"workloads[{i}].data", deployment.Workloads[i], graph);
            }
        }
    }
}
