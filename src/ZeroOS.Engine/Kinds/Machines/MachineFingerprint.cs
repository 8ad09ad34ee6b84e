using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>
/// What a running machine was made from, as a hash: another one means it must be made again. What can change under a running machine (published ports,
/// restart and stop policy, credentials, where the image is looked for) is not part of it.
/// </summary>
internal static class MachineFingerprint
{
    /// <summary>The fingerprint of a wish, with the addresses the node chose, its networks' ranges and its volumes' sizes.</summary>
    public static string Of(Deployment deployment, ZmachineWorkload machine, IEnumerable<AddressRow> addresses)
    {
        Dictionary<string, string> env = [];
        foreach ((string name, string value) in machine.Data.Env.OrderBy(e => e.Key, StringComparer.Ordinal))
            env.Add(name, value);
        ZmachineData data = machine.Data with
        {
            Flist = new FlistReference { Reference = "", Digest = machine.Data.Flist.Digest },
            Env = env,
            Publish = [],
            Restart = RestartPolicy.Always,
            Stop = new StopPolicy(),
        };
        StringBuilder text = new(JsonSerializer.Serialize(data, BusJson.Default.ZmachineData));
        Dictionary<string, uint> chosen = addresses.Where(a => a.Deployment == deployment.Name && a.Machine == machine.Name)
            .ToDictionary(a => a.Network, a => a.Address);
        foreach (MachineNetwork network in machine.Data.Networks)
        {
            string range = deployment.Workloads.OfType<NetworkWorkload>().Single(n => n.Name == network.Network).Data.Range;
            text.Append('\n').Append(range).Append(' ').Append(chosen.GetValueOrDefault(network.Network));
        }
        foreach (MachineMount mount in machine.Data.Mounts)
            text.Append('\n').Append(deployment.Workloads.OfType<ZmountWorkload>().Single(v => v.Name == mount.Volume).Data.Size.Bytes);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16));
    }
}
