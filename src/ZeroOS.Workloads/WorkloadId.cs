using System.Security.Cryptography;
using System.Text;

namespace ZeroOS.Workloads;

/// <summary>Names one workload on this node: the tenant's key id, the deployment, the workload in it.</summary>
public readonly record struct WorkloadId(string Tenant, string Deployment, string Name)
{
    /// <summary>
    /// 16 lower-case hexadecimal digits made from the three names: what versions without <see cref="WorkloadNames"/> stored volumes and logs by. Everybody can
    /// compute it, and with enough work find two workloads with one, so it decides nothing by itself.
    /// </summary>
    public string FormerName => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Tenant}\n{Deployment}\n{Name}")).AsSpan(0, 8));

    /// <summary>All three names, "tenant/deployment/name": none of them may hold a slash. What is written on a thing to say whose it is.</summary>
    public string Full => $"{Tenant}/{Deployment}/{Name}";

    /// <summary>What this workload means by a reference: "name" in its own deployment, or "deployment/name" in another of the same tenant.</summary>
    public WorkloadId Named(string reference) => reference.IndexOf('/', StringComparison.Ordinal) is >= 0 and int slash
        ? new WorkloadId(Tenant, reference[..slash], reference[(slash + 1)..]) : this with { Name = reference };

    /// <summary>"deployment/name", for people; the tenant is left out on purpose.</summary>
    public override string ToString() => $"{Deployment}/{Name}";
}

/// <summary>A workload cannot be made now, or ever.</summary>
public sealed class WorkloadException(string reason, string message, bool permanent = false) : Exception(message)
{
    /// <summary>Stable kebab-case code: "registry-unreachable", "image-not-found", "chunk-forged", "disk-full".</summary>
    public string Reason { get; } = reason;

    /// <summary>No retry can mend it.</summary>
    public bool Permanent { get; } = permanent;
}
