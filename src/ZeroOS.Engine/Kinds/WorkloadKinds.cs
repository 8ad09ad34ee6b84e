using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Engine.Kinds.Networks;
using ZeroOS.Engine.Kinds.Volumes;

namespace ZeroOS.Engine.Kinds;

/// <summary>The kinds of workloads, in the order in which they are made; they are taken down in reverse.</summary>
internal static class WorkloadKinds
{
    /// <summary>The table. A machine needs the networks and volumes that it names, so it comes last.</summary>
    public static readonly IReadOnlyList<IWorkloadKind> InOrder = [new NetworkKind(), new VolumeKind(), new MachineKind()];

    /// <summary>The kind of a workload; every type of <see cref="Workload"/> has one.</summary>
    public static IWorkloadKind Of(Workload workload) => InOrder.First(k => k.Is(workload));

    /// <summary>
    /// The deployment with what its workloads stand for: each is followed by those. What an expansion gave before may be there already, as in a deployment that
    /// was read from the node. Without such kinds it is the same instance. <paramref name="kinds"/> is the table unless told.
    /// </summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid: another workload has a name that an expansion needs.</exception>
    public static Deployment Expand(Deployment wanted, IReadOnlyList<IWorkloadKind>? kinds = null)
    {
        List<Workload> made = [.. wanted.Workloads.SelectMany(w => (kinds ?? InOrder).First(k => k.Is(w)).Expand(w))];
        if (made.Count == 0)
            return wanted;
        Dictionary<string, string> expected = new(StringComparer.Ordinal);
        foreach (Workload one in made)
        {
            if (!expected.TryAdd(one.Name, Json(one)))
                throw Refuse.Invalid("workloads", $"two workloads of this deployment are made of a \"{one.Name}\"; give one of them another name");
        }
        for (int i = 0; i < wanted.Workloads.Count; i++)
        {
            Workload one = wanted.Workloads[i];
            if (expected.GetValueOrDefault(one.Name) is { } json && json != Json(one))
                throw Refuse.Invalid($"workloads[{i}].name",
                    $"\"{one.Name}\" is what another workload of this deployment is made of; give this one another name");
        }
        return wanted with { Workloads = [.. wanted.Workloads.Where(w => !expected.ContainsKey(w.Name)), .. made] };
    }

    private static string Json(Workload workload) => JsonSerializer.Serialize(workload, BusJson.Default.Workload);

    /// <summary>The kind of a stored type.</summary>
    public static IWorkloadKind Of(string type) => InOrder.First(k => k.Type == type);
}
