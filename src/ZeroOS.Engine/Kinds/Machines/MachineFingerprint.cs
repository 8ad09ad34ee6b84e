using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds.Networks;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>
/// What a running machine was made from, as a hash: another one means it must be made again. What can change under a running machine (published ports, when
/// it is started, stopped and removed, labels, what an unhealthy one leads to, credentials, where the image is looked for) is not part of it.
/// </summary>
internal static class MachineFingerprint
{
    /// <summary>
    /// The fingerprint of a wish, with the addresses the node chose, its networks and its volumes' sizes; <paramref name="parts"/> has those, of all
    /// deployments of the tenant.
    /// </summary>
    public static string Of(WorkloadId id, ZmachineWorkload machine, IReadOnlyDictionary<string, uint> addresses,
        IReadOnlyDictionary<WorkloadId, Workload> parts)
    {
        ZmachineData data = machine.Data with
        {
            Flist = new FlistReference { Reference = "", Digest = machine.Data.Flist.Digest },
            Env = Sorted(machine.Data.Env),
            Sysctls = machine.Data.Sysctls is { } sysctls ? Sorted(sysctls) : null,
            Publish = [],
            Restart = RestartPolicy.Always,
            MaxRestarts = null,
            Run = null,
            Remove = null,
            Stop = new StopPolicy(),
            Labels = null,
            Health = AtStart(machine.Data.Health),
        };
        StringBuilder text = new(JsonSerializer.Serialize(data, BusJson.Default.ZmachineData));
        foreach (MachineNetwork network in machine.Data.Networks)
        {
            NetworkData? made = (parts.GetValueOrDefault(id.Named(network.Network)) as NetworkWorkload)?.Data;
            text.Append('\n').Append(made is null ? null : NetworkKind.Fingerprint(made)).Append(' ').Append(addresses.GetValueOrDefault(network.Network));
        }
        foreach (MachineMount mount in machine.Data.Mounts)
            text.Append('\n').Append((parts.GetValueOrDefault(id.Named(mount.Volume)) as ZmountWorkload)?.Data.Size.Bytes);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16));
    }

    private static Dictionary<string, string> Sorted(IReadOnlyDictionary<string, string> map)
    {
        Dictionary<string, string> sorted = [];
        foreach ((string name, string value) in map.OrderBy(e => e.Key, StringComparer.Ordinal))
            sorted.Add(name, value);
        return sorted;
    }

    private static HealthCheck? AtStart(HealthCheck? health)
    {
        HealthCheck? told = health is null ? null : health with { OnUnhealthy = UnhealthyAction.None };
        return told == new HealthCheck() ? null : told;
    }
}
