using System.Text.Json.Nodes;

using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Creation;

/// <summary>
/// All fields of a creation that are known here. A field that says something and is not in the table is warned about: nothing is ignored without a word. The
/// table of docs/docker.md is this one.
/// </summary>
internal static class Fields
{
    /// <summary>What becomes of a volume without a name.</summary>
    public const string AnonymousVolume = "an anonymous volume lies in the container's own writable layer, and goes with it";

    /// <summary>The table.</summary>
    public static readonly IReadOnlyList<Field> All =
    [
        new("Image", FieldRule.Honoured, "found as `zos run` finds it"),
        new("Cmd", FieldRule.Honoured, "the program's arguments, or the program"),
        new("Entrypoint", FieldRule.Honoured, "replaces the image's and drops its command; `\"\"` clears it"),
        new("Env", FieldRule.Honoured, "over the image's; a name without `=` is refused where the image sets it"),
        new("WorkingDir", FieldRule.Honoured, "the image's if not given"),
        new("User", FieldRule.Honoured, "the image's if not given"),
        new("Labels", FieldRule.Honoured, "kept with the deployment"),
        new("StopSignal", FieldRule.Honoured, "the image's if not given"),
        new("StopTimeout", FieldRule.Honoured, "0 to 600 seconds"),
        new("ExposedPorts", FieldRule.Kept, "`-P` publishes them"),
        new("AttachStdin", FieldRule.Kept, "the client's own business"),
        new("AttachStdout", FieldRule.Kept, "the client's own business"),
        new("AttachStderr", FieldRule.Kept, "the client's own business"),
        new("StdinOnce", FieldRule.Honoured, "the program's input ends with that of the client"),
        new("ArgsEscaped", FieldRule.Kept, "of Windows"),
        new("OnBuild", FieldRule.Kept, "of builds"),
        new("Shell", FieldRule.Kept, "of builds"),
        new("NetworkDisabled", FieldRule.Honoured, "no network"),
        new("Tty", FieldRule.Honoured, "the program has a terminal, which all who attach share"),
        new("OpenStdin", FieldRule.Honoured, "the program has an input, which all who attach share"),
        new("MacAddress", FieldRule.Refused, "the node chooses the addresses of network cards"),
        new("Hostname", FieldRule.Honoured, "the first 12 digits of the id if not given"),
        new("Domainname", FieldRule.Honoured, "behind the host name, with a dot"),
        new("Volumes", FieldRule.Warned, AnonymousVolume),
        new("Healthcheck", FieldRule.Honoured, "asked by the machine itself; times are rounded up to whole seconds"),
        new("NetworkingConfig", FieldRule.Honoured, "more networks, aliases, and an IPv4 address; see HostConfig.NetworkMode"),
        new("HostConfig.NetworkMode", FieldRule.Honoured,
            "`none`, `bridge`, where each container is alone, or networks, where they find each other by name; `host` and `container:X` are refused"),
        new("HostConfig.PortBindings", FieldRule.Honoured,
            "published on the node, within the grant's ports, and on this computer's loopback; one of them is taken where none is named; "
            + "HostIp 127.0.0.1: on this computer alone"),
        new("HostConfig.PublishAllPorts", FieldRule.Honoured, "as above"),
        new("HostConfig.RestartPolicy", FieldRule.Honoured, "`no`, `always`, `unless-stopped`, `on-failure`; with that a count of 1 to 1000"),
        new("HostConfig.AutoRemove", FieldRule.Honoured, "by `zos docker`, as long as it runs"),
        new("HostConfig.Memory", FieldRule.Honoured, "the machine's memory, rounded up to 2 MiB, at least 64 MiB; not given: docs/deployments.md, \"Memory\""),
        new("HostConfig.NanoCpus", FieldRule.Honoured, "whole processors, as many as are needed, and a quota of their time; at most 8"),
        new("HostConfig.CpuQuota", FieldRule.Honoured, "as above, with CpuPeriod"),
        new("HostConfig.CpuPeriod", FieldRule.Honoured, "as above"),
        new("HostConfig.ContainerIDFile", FieldRule.Kept, "the client writes it"),
        new("HostConfig.ConsoleSize", FieldRule.Honoured, "the first size of a terminal"),
        new("HostConfig.LogConfig", FieldRule.Refused, "logs are the node's, and `docker logs` reads them", "", "json-file", "local"),
        new("HostConfig.Isolation", FieldRule.Refused, "of Windows", "default"),
        new("HostConfig.Runtime", FieldRule.Refused, "each container is a machine", "runc", "io.containerd.runc.v2"),
        new("HostConfig.VolumeDriver", FieldRule.Refused, "there is one driver", "local"),
        new("HostConfig.MemorySwap", FieldRule.Kept, "a hint"),
        new("HostConfig.MemorySwappiness", FieldRule.Kept, "a hint"),
        new("HostConfig.MemoryReservation", FieldRule.Kept, "a hint"),
        new("HostConfig.KernelMemory", FieldRule.Kept, "a hint"),
        new("HostConfig.KernelMemoryTCP", FieldRule.Kept, "a hint"),
        new("HostConfig.CpuShares", FieldRule.Kept, "a hint"),
        new("HostConfig.CpuCount", FieldRule.Kept, "of Windows"),
        new("HostConfig.CpuPercent", FieldRule.Kept, "of Windows"),
        new("HostConfig.BlkioWeight", FieldRule.Kept, "a hint"),
        new("HostConfig.OomScoreAdj", FieldRule.Kept, "a hint"),
        new("HostConfig.Annotations", FieldRule.Kept, "for runtimes"),
        new("HostConfig.MaskedPaths", FieldRule.Kept, "the kernel is the machine's own"),
        new("HostConfig.ReadonlyPaths", FieldRule.Kept, "the kernel is the machine's own"),
        new("HostConfig.PidMode", FieldRule.Refused, "a container is a machine, and shares no processes", "private"),
        new("HostConfig.IpcMode", FieldRule.Refused, "a container is a machine, and shares no memory", "private", "shareable", "none"),
        new("HostConfig.UTSMode", FieldRule.Kept, "the machine's own"),
        new("HostConfig.UsernsMode", FieldRule.Kept, "the machine's own"),
        new("HostConfig.CgroupnsMode", FieldRule.Kept, "the machine's own"),
        new("HostConfig.Cgroup", FieldRule.Kept, "the machine's own"),
        new("HostConfig.OomKillDisable", FieldRule.Warned, "the machine's kernel decides"),
        new("HostConfig.CpusetCpus", FieldRule.Warned, "the node chooses"),
        new("HostConfig.CpusetMems", FieldRule.Warned, "the node chooses"),
        new("HostConfig.PidsLimit", FieldRule.Honoured, "processes and threads; 0 and -1: no limit"),
        new("HostConfig.Ulimits", FieldRule.Honoured, "nofile is 1,048,576 at most"),
        new("HostConfig.ShmSize", FieldRule.Honoured, "64 MiB if not given"),
        new("HostConfig.Init", FieldRule.Honoured, "the guest's init is process 1"),
        new("HostConfig.Binds", FieldRule.Honoured, "volumes by name, made where they are not there; files and small folders of this computer with `ro`"),
        new("HostConfig.Mounts", FieldRule.Honoured, "types `volume`, `bind`, both as above, and `tmpfs`"),
        new("HostConfig.VolumesFrom", FieldRule.Refused, "containers share no volumes yet"),
        new("HostConfig.Tmpfs", FieldRule.Honoured, "size, mode, and the options of docs/deployments.md"),
        new("HostConfig.Links", FieldRule.Refused, "containers find each other by name in a network of docker network create"),
        new("HostConfig.Privileged", FieldRule.Honoured, "all capabilities and devices of the machine, none of the node's"),
        new("HostConfig.CapAdd", FieldRule.Honoured, "as in Docker"),
        new("HostConfig.CapDrop", FieldRule.Honoured, "as in Docker"),
        new("HostConfig.SecurityOpt", FieldRule.Warned, "the machine's kernel knows no such profile",
            "seccomp=unconfined", "apparmor=unconfined", "label=disable",
            "no-new-privileges:false"),
        new("HostConfig.ReadonlyRootfs", FieldRule.Honoured, "as in Docker"),
        new("HostConfig.Sysctls", FieldRule.Honoured, "settings of the machine's own kernel, those of docs/deployments.md"),
        new("HostConfig.GroupAdd", FieldRule.Honoured, "by the image's /etc/group, or a number"),
        new("HostConfig.Devices", FieldRule.Refused, "a device of this computer is not on the node"),
        new("HostConfig.DeviceRequests", FieldRule.Refused, "a node gives no devices to machines"),
        new("HostConfig.DeviceCgroupRules", FieldRule.Warned, "a machine has devices of its own"),
        new("HostConfig.Dns", FieldRule.Honoured, "the node's if not given"),
        new("HostConfig.DnsSearch", FieldRule.Honoured, "the node's if not given"),
        new("HostConfig.DnsOptions", FieldRule.Honoured, "the node's if not given"),
        new("HostConfig.ExtraHosts", FieldRule.Honoured, "`host-gateway` is the gateway of the first network"),
        new("HostConfig.StorageOpt", FieldRule.Refused, "the writable layer has 1 GiB"),
    ];

    private static readonly Dictionary<string, Field> s_byName = All.ToDictionary(f => f.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Checks a creation; the answer is its warnings.</summary>
    /// <exception cref="DockerFault">400: a field that cannot be honoured.</exception>
    public static List<string> Check(JsonObject body)
    {
        List<string> warnings = [];
        foreach ((string name, JsonNode? value) in body)
        {
            if (value is JsonObject host && name.Equals("HostConfig", StringComparison.OrdinalIgnoreCase))
            {
                foreach ((string inner, JsonNode? one) in host)
                    Check($"HostConfig.{inner}", one, warnings);
            }
            else
            {
                Check(name, value, warnings);
            }
        }
        return warnings;
    }

    private static void Check(string name, JsonNode? value, List<string> warnings)
    {
        if (Words.IsNothing(value))
            return;
        if (!s_byName.TryGetValue(name, out Field? field))
            warnings.Add($"{name} is not known here and has no effect");
        else if (field.Rule is FieldRule.Honoured or FieldRule.Kept || field.IsHarmless(value!))
            return;
        else if (field.Rule == FieldRule.Warned)
            warnings.Add($"{field.Name} has no effect: {field.Says}");
        else
            throw DockerFault.Bad($"{field.Name} cannot be honoured: {field.Says}");
    }
}
