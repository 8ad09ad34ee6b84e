using System.Globalization;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Creation;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>A container in Docker's words. Every object that Docker's own engine sends is there: clients break on those that are missing.</summary>
internal static class ContainerViews
{
    private const string HostDefaults = """
        {"Binds":null,"ContainerIDFile":"","LogConfig":{"Type":"json-file","Config":{}},"NetworkMode":"bridge","PortBindings":{},
        "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"AutoRemove":false,"VolumeDriver":"","VolumesFrom":null,"ConsoleSize":[0,0],"CapAdd":null,
        "CapDrop":null,"CgroupnsMode":"private","Dns":[],"DnsOptions":[],"DnsSearch":[],"ExtraHosts":null,"GroupAdd":null,"IpcMode":"private","Cgroup":"",
        "Links":null,"OomScoreAdj":0,"PidMode":"","Privileged":false,"PublishAllPorts":false,"ReadonlyRootfs":false,"SecurityOpt":null,"UTSMode":"",
        "UsernsMode":"","ShmSize":67108864,"Runtime":"runc","Isolation":"","CpuShares":0,"Memory":0,"NanoCpus":0,"CgroupParent":"","BlkioWeight":0,
        "CpuPeriod":0,"CpuQuota":0,"CpusetCpus":"","CpusetMems":"","Devices":[],"DeviceCgroupRules":null,"DeviceRequests":null,"MemoryReservation":0,
        "MemorySwap":0,"MemorySwappiness":null,"OomKillDisable":null,"PidsLimit":null,"Ulimits":[],"CpuCount":0,"CpuPercent":0,"MaskedPaths":[],
        "ReadonlyPaths":[]}
        """;

    private const string ConfigDefaults = """
        {"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,
        "StdinOnce":false,"Env":[],"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":{}}
        """;

    private static readonly string[] s_notConfig = ["HostConfig", "NetworkingConfig"];

    /// <summary>The network that a container was created with.</summary>
    public static string NetworkOf(Container container) => container.HostConfig.Text("NetworkMode") is { } mode and not "default" ? mode : "bridge";

    /// <summary>Whether it was created in a network, by its name or the beginning of its id.</summary>
    public static bool IsIn(Container container, string network) => network == NetworkOf(container) || NetworkParts.Endpoints(container.Config).Any(e =>
        e.Key == network || (network.Length >= 12 && (e.Value as JsonObject)?.Text("NetworkID")?.StartsWith(network, StringComparison.Ordinal) == true));

    /// <summary>"starting", "healthy", "unhealthy", or "none".</summary>
    public static string Health(Container container) => container.Status.Health?.State switch
    {
        HealthState.Starting => "starting",
        HealthState.Healthy => "healthy",
        HealthState.Unhealthy => "unhealthy",
        _ => "none",
    };

    /// <summary>The command line: path and arguments.</summary>
    public static (string Path, IReadOnlyList<string> Arguments) Command(Container container)
    {
        IReadOnlyList<string> all = [.. (container.Config.Strings("Entrypoint") ?? []).Where(e => e.Length > 0), .. container.Config.Strings("Cmd") ?? []];
        return all.Count == 0 ? ("", []) : (all[0], [.. all.Skip(1)]);
    }

    /// <summary>A row of a list.</summary>
    public static JsonNode Row(Container c, DateTimeOffset now)
    {
        (string path, IReadOnlyList<string> arguments) = Command(c);
        return new JsonObject
        {
            ["Id"] = c.Id,
            ["Names"] = new JsonArray("/" + c.Name),
            ["Image"] = c.Notes.Image,
            ["ImageID"] = c.Notes.ImageId,
            ["Command"] = string.Join(' ', [path, .. arguments]),
            ["Created"] = c.Notes.Created.ToUnixTimeSeconds(),
            ["Ports"] = new JsonArray([.. Published(c).Select(p => new JsonObject
            {
                ["IP"] = p.Address,
                ["PrivatePort"] = p.Port.Guest,
                ["PublicPort"] = p.Port.Host,
                ["Type"] = PortKey.Word(p.Port.Protocol),
            })]),
            ["Labels"] = Words.Map(c.Labels),
            ["State"] = c.State,
            ["Status"] = Status(c, now),
            ["HostConfig"] = new JsonObject { ["NetworkMode"] = NetworkOf(c) },
            ["NetworkSettings"] = new JsonObject { ["Networks"] = Endpoints(c) },
            ["Mounts"] = Mounts(c),
        };
    }

    /// <summary>Everything.</summary>
    public static JsonObject Inspect(Container c)
    {
        (string path, IReadOnlyList<string> arguments) = Command(c);
        JsonObject config = Over(ConfigDefaults, c.Config.Where(p => !s_notConfig.Contains(p.Key)));
        config["Image"] = c.Notes.Image;
        if (config.Text("Hostname") is null)
            config["Hostname"] = c.Id[..12];
        JsonObject host = Over(HostDefaults, c.HostConfig);
        if (NetworkOf(c) == "bridge")
            host["NetworkMode"] = "bridge";
        return new JsonObject
        {
            ["Id"] = c.Id,
            ["Created"] = Words.Time(c.Notes.Created),
            ["Path"] = path,
            ["Args"] = Words.List(arguments),
            ["State"] = State(c),
            ["Image"] = c.Notes.ImageId,
            ["ResolvConfPath"] = "",
            ["HostnamePath"] = "",
            ["HostsPath"] = "",
            ["LogPath"] = "",
            ["Name"] = "/" + c.Name,
            ["RestartCount"] = Math.Max(0, c.Status.Starts - 1),
            ["Driver"] = "flist",
            ["Platform"] = "linux",
            ["MountLabel"] = "",
            ["ProcessLabel"] = "",
            ["AppArmorProfile"] = "",
            ["ExecIDs"] = null,
            ["HostConfig"] = host,
            ["GraphDriver"] = new JsonObject { ["Name"] = "flist", ["Data"] = null },
            ["Mounts"] = Mounts(c),
            ["Config"] = config,
            ["NetworkSettings"] = NetworkSettings(c),
        };
    }

    private static JsonObject State(Container c)
    {
        JsonObject state = Life(c);
        if (c.Status.Health is { } health)
        {
            state["Health"] = new JsonObject
            {
                ["Status"] = Health(c),
                ["FailingStreak"] = health.FailingStreak,
                ["Log"] = new JsonArray([.. (health.Results ?? []).Select(r => new JsonObject
                {
                    ["Start"] = Words.Time(r.Start),
                    ["End"] = Words.Time(r.End),
                    ["ExitCode"] = r.ExitCode,
                    ["Output"] = r.Output,
                })]),
            };
        }
        return state;
    }

    private static JsonObject Life(Container c) => new()
    {
        ["Status"] = c.State,
        ["Running"] = c.State is "running" or "restarting",
        ["Paused"] = false,
        ["Restarting"] = c.State == "restarting",
        ["OOMKilled"] = c.Status.Reason == "out-of-memory",
        ["Dead"] = false,
        ["Pid"] = 0,
        ["ExitCode"] = c.ExitCode,
        ["Error"] = c.IsRunning || c.Status.Reason is null or "exited" ? "" : c.Status.Message ?? c.Status.Reason,
        ["StartedAt"] = Words.Time(c.Status.Starts == 0 ? null : c.Times.Started),
        ["FinishedAt"] = Words.Time(c.Status.Starts == 0 ? null : c.Times.Ended),
    };

    private static JsonArray Mounts(Container c) => new([.. MountParts.Of(c.Config).Select(v => new JsonObject
    {
        ["Type"] = v.Volume is null ? "bind" : "volume",
        ["Name"] = v.Volume is null ? "" : v.Source,
        ["Source"] = v.Volume is null ? v.Source : "",
        ["Destination"] = v.Path,
        ["Driver"] = v.Volume is null ? "" : "local",
        ["Mode"] = v.IsReadOnly ? "ro" : "",
        ["RW"] = !v.IsReadOnly,
        ["Propagation"] = "",
    })]);

    private static JsonObject NetworkSettings(Container c)
    {
        JsonObject ports = [];
        foreach ((string exposed, JsonNode? _) in c.Config.Object("ExposedPorts"))
            ports[exposed] = null;
        foreach ((string address, PublishedPort port) in Published(c))
        {
            if (ports[PortKey.Of(port)] is not JsonArray)
                ports[PortKey.Of(port)] = new JsonArray();
            ((JsonArray)ports[PortKey.Of(port)]!).Add((JsonNode)new JsonObject
            {
                ["HostIp"] = address,
                ["HostPort"] = port.Host.ToString(CultureInfo.InvariantCulture),
            });
        }
        return new JsonObject
        {
            ["Bridge"] = "",
            ["SandboxID"] = "",
            ["SandboxKey"] = "",
            ["Ports"] = ports,
            ["HairpinMode"] = false,
            ["LinkLocalIPv6Address"] = "",
            ["LinkLocalIPv6PrefixLen"] = 0,
            ["EndpointID"] = "",
            ["Gateway"] = "",
            ["GlobalIPv6Address"] = "",
            ["GlobalIPv6PrefixLen"] = 0,
            ["IPAddress"] = Address(c),
            ["IPPrefixLen"] = 24,
            ["IPv6Gateway"] = "",
            ["MacAddress"] = "",
            ["Networks"] = Endpoints(c),
        };
    }

    private static JsonObject Endpoints(Container c)
    {
        JsonObject networks = [], given = NetworkParts.Endpoints(c.Config);
        foreach (string name in given.Select(e => e.Key).Where(k => k != "default").Append(NetworkOf(c)).Distinct())
        {
            JsonObject endpoint = given.Object(name);
            string id = endpoint.Text("NetworkID") is { Length: 64 } known ? known : Networks.IdOf(name), part = NetworkParts.PartOf(name, id);
            networks[name] = new JsonObject
            {
                ["IPAMConfig"] = endpoint["IPAMConfig"]?.DeepClone(),
                ["Links"] = null,
                ["Aliases"] = endpoint["Aliases"]?.DeepClone(),
                ["NetworkID"] = id,
                ["EndpointID"] = "",
                ["Gateway"] = c.IsRunning && part == NetworkParts.Own ? "10.77.0.1" : "",
                ["IPAddress"] = c.IsRunning ? c.Status.Addresses?.GetValueOrDefault(part) ?? "" : "",
                ["IPPrefixLen"] = 24,
                ["IPv6Gateway"] = "",
                ["GlobalIPv6Address"] = "",
                ["GlobalIPv6PrefixLen"] = 0,
                ["MacAddress"] = "",
                ["DriverOpts"] = null,
                ["DNSNames"] = c.Machine.Data.Networks.FirstOrDefault(n => n.Network == part)?.Aliases is { } names ? Words.List(names) : null,
            };
        }
        return networks;
    }

    private static string Address(Container c) => c.IsRunning ? c.Status.Addresses?.Values.FirstOrDefault() ?? "" : "";

    // Those of the node are at every address, as a client sees it; others at one of the computer's own.
    private static IEnumerable<(string Address, PublishedPort Port)> Published(Container c) => !c.IsRunning ? []
        : c.Machine.Data.Publish.Select(p => ("0.0.0.0", p)).Concat(
            c.Notes.Local.Select(p => ($"{p.Local.Address}", new PublishedPort { Host = p.Local.Port, Guest = p.Guest })));

    private static string Status(Container c, DateTimeOffset now) => c.State switch
    {
        "running" => $"Up {Ago(c.Times.Started, now)}{HealthSuffix(c)}",
        "exited" => $"Exited ({c.ExitCode}) {Ago(c.Times.Ended, now)} ago",
        "restarting" => $"Restarting ({c.ExitCode}) {Ago(c.Times.Ended, now)} ago",
        "removing" => "Removal In Progress",
        _ => "Created",
    };

    private static string HealthSuffix(Container c) => Health(c) switch { "none" => "", "starting" => " (health: starting)", string state => $" ({state})" };

    // As Docker's clients expect it: whole units, the largest that there is one of.
    private static string Ago(DateTimeOffset? since, DateTimeOffset now)
    {
        TimeSpan span = since is { } time && now > time ? now - time : TimeSpan.Zero;
        return span switch
        {
            { TotalSeconds: < 1 } => "Less than a second",
            { TotalSeconds: < 2 } => "1 second",
            { TotalSeconds: < 60 } => $"{(int)span.TotalSeconds} seconds",
            { TotalMinutes: < 2 } => "About a minute",
            { TotalMinutes: < 60 } => $"{(int)span.TotalMinutes} minutes",
            { TotalHours: < 2 } => "About an hour",
            { TotalHours: < 48 } => $"{(int)span.TotalHours} hours",
            _ => $"{(int)span.TotalDays} days",
        };
    }

    private static JsonObject Over(string defaults, IEnumerable<KeyValuePair<string, JsonNode?>> said)
    {
        JsonObject merged = Words.Parse(defaults);
        foreach ((string name, JsonNode? value) in said)
            merged[name] = value?.DeepClone();
        return merged;
    }
}
