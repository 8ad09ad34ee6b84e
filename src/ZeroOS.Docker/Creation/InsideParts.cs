using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Creation;

/// <summary>What a creation says about the inside of its machine. Bounds are the node's: what it refuses is answered as 400, with its place.</summary>
/// <param name="body">What was sent.</param>
/// <param name="id">The container's id, by whose beginning the program knows its machine unless it is given a name.</param>
internal sealed class InsideParts(JsonObject body, string id)
{
    private readonly JsonObject _host = body.Object("HostConfig");

    /// <summary>The machine with these words.</summary>
    /// <exception cref="Http.DockerFault">400: a value that is none.</exception>
    public ZmachineData With(ZmachineData data)
    {
        bool privileged = _host.Flag("Privileged");
        return data with
        {
            Hostname = Hostname(),
            // Newer Dockers write "=" too.
            ExtraHosts = Given("ExtraHosts")?.Select(h => h.Replace('=', ':')).ToList(),
            Dns = Dns(),
            Groups = Given("GroupAdd"),
            CapAdd = Given("CapAdd"),
            CapDrop = privileged ? null : Given("CapDrop"),     // as in Docker
            Privileged = privileged,
            ReadOnlyRoot = _host.Flag("ReadonlyRootfs"),
            Tmpfs = Tmpfs(),
            Shm = _host.Number("ShmSize") is > 0 and long shm ? new ByteSize(shm) : null,
            Ulimits = Ulimits(),
            Sysctls = _host.Map("Sysctls") is { Count: > 0 } sysctls ? sysctls : null,
            Init = _host.Flag("Init"),
            Pids = _host.Number("PidsLimit") is > 0 and long pids ? (int)Math.Min(pids, int.MaxValue) : null,
            Health = HealthPart.Of(body.Object("Healthcheck")),
        };
    }

    private string Hostname()
    {
        string name = body.Text("Hostname") ?? id[..12];
        return body.Text("Domainname") is { } domain ? $"{name}.{domain}" : name;
    }

    private List<MachineTmpfs>? Tmpfs()
    {
        List<MachineTmpfs> tmpfs = [.. _host.Map("Tmpfs").Select(t => TmpfsOptions.Parse(t.Key, t.Value)), .. MountParts.Tmpfs(_host)];
        return tmpfs.Count > 0 ? tmpfs : null;
    }

    private MachineDns? Dns()
    {
        MachineDns dns = new() { Servers = Given("Dns"), Search = Given("DnsSearch"), Options = Given("DnsOptions") };
        return dns == new MachineDns() ? null : dns;
    }

    private List<MachineUlimit>? Ulimits() => _host["Ulimits"] is not JsonArray { Count: > 0 } limits ? null
        : [.. limits.OfType<JsonObject>().Select(l => new MachineUlimit { Name = l.Text("Name") ?? "", Soft = l.Number("Soft"), Hard = l.Number("Hard") })];

    private IReadOnlyList<string>? Given(string name) => _host.Strings(name) is { Count: > 0 } given ? given : null;
}
