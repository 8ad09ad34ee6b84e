using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>What a tenant wants to exist on a node: a name, a version and workloads (docs/deployments.md).</summary>
public sealed record Deployment
{
    /// <summary>Unique per tenant; ^[a-z0-9]([a-z0-9-]{0,34}[a-z0-9])?$.</summary>
    public required string Name { get; init; }

    /// <summary>Exactly one above the stored version; 1 for a new one.</summary>
    public required int Version { get; init; }

    /// <summary>1 to 64, names unique.</summary>
    public required IReadOnlyList<Workload> Workloads { get; init; }

    /// <summary>
    /// What programs remember with it: kept and returned, never interpreted, and a change touches no workload. At most 64, keys of 128 bytes and values of
    /// 8 KiB, 32 KiB in all; absent: none.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>One named part of a deployment.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(NetworkWorkload), "network")]
[JsonDerivedType(typeof(ZmountWorkload), "zmount")]
[JsonDerivedType(typeof(ZmachineWorkload), "zmachine")]
public abstract record Workload
{
    /// <summary>Unique in the deployment; the same pattern as the deployment's.</summary>
    public required string Name { get; init; }
}

/// <summary>A private network, its own namespace on the node.</summary>
public sealed record NetworkWorkload : Workload
{
    /// <summary>Its parameters.</summary>
    public required NetworkData Data { get; init; }
}

/// <summary>A network's parameters.</summary>
public sealed record NetworkData
{
    /// <summary>IPv4 CIDR, /16 to /29, of private address space; the first host address is the gateway.</summary>
    public required string Range { get; init; }

    /// <summary>It leads nowhere: by way of it machines reach each other, and neither a name server nor anything else. No port is published into it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Internal { get; init; }
}

/// <summary>A volume that outlives machines.</summary>
public sealed record ZmountWorkload : Workload
{
    /// <summary>Its parameters.</summary>
    public required ZmountData Data { get; init; }
}

/// <summary>A volume's parameters.</summary>
public sealed record ZmountData
{
    /// <summary>Bytes: a number, or text with an IEC unit ("10GiB"); can grow, never shrink.</summary>
    public required ByteSize Size { get; init; }
}

/// <summary>A light virtual machine that runs an image.</summary>
public sealed record ZmachineWorkload : Workload
{
    /// <summary>Its parameters.</summary>
    public required ZmachineData Data { get; init; }
}

/// <summary>A machine's parameters.</summary>
public sealed partial record ZmachineData
{
    /// <summary>The image.</summary>
    public required FlistReference Flist { get; init; }

    /// <summary>Virtual processors, 1 to 8.</summary>
    public int Cpu { get; set; } = 1;

    /// <summary>Guest memory, at least 64 MiB; absent: a part of the grant, of which little is reserved (docs/deployments.md, "Memory").</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>Writable layer over the image; 1 GiB if not given, at least 128 MiB.</summary>
    public ByteSize Rootfs { get; set; } = new(1L << 30);

    /// <summary>Replaces the image's entrypoint and drops its command, as Docker does.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>Replaces the image's command.</summary>
    public IReadOnlyList<string>? Args { get; init; }

    /// <summary>Merged over the image's environment by name.</summary>
    public IReadOnlyDictionary<string, string> Env { get; set; } = new Dictionary<string, string>();

    /// <summary>OCI user; the image's if not given.</summary>
    public string? User { get; init; }

    /// <summary>The image's if not given.</summary>
    public string? Workdir { get; init; }

    /// <summary>Its program has a terminal as input, output and errors.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Tty { get; init; }

    /// <summary>Its program has an input, which clients that attach write; otherwise it is empty.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Stdin { get; init; }

    /// <summary>Volumes, at most 14.</summary>
    public IReadOnlyList<MachineMount> Mounts { get; set; } = [];

    /// <summary>Networks, at most 8; the first that is not internal leads out.</summary>
    public IReadOnlyList<MachineNetwork> Networks { get; set; } = [];

    /// <summary>Ports of the node that lead to it.</summary>
    public IReadOnlyList<PublishedPort> Publish { get; set; } = [];

    /// <summary>When it is started again.</summary>
    public RestartPolicy Restart { get; set; } = RestartPolicy.Always;

    /// <summary>How often in a row it is started again, 1 to 1000; with <see cref="RestartPolicy.OnFailure"/> only. Absent: without end.</summary>
    public int? MaxRestarts { get; init; }

    /// <summary>Whether it is started when it is made; absent: yes.</summary>
    public bool? Run { get; init; }

    /// <summary>When the node deletes the deployment, which has no other machine then; absent: never.</summary>
    public RemovePolicy? Remove { get; init; }

    /// <summary>How it is asked to stop.</summary>
    public StopPolicy Stop { get; set; } = new();

    /// <summary>How its program is asked whether it is well; the image's own check if not given.</summary>
    public HealthCheck? Health { get; init; }
}

/// <summary>Which image: the digest is what counts, the reference says where to look.</summary>
public sealed record FlistReference
{
    /// <summary>"registry/name[:tag]".</summary>
    public required string Reference { get; init; }

    /// <summary>"sha256:..." of the flist's manifest.</summary>
    public required string Digest { get; init; }

    /// <summary>Credentials for that registry host only; never returned.</summary>
    public RegistryCredentials? Auth { get; init; }
}

/// <summary>A user name and password for one registry.</summary>
public sealed record RegistryCredentials
{
    /// <summary>User name.</summary>
    public required string Username { get; init; }

    /// <summary>Password or token.</summary>
    public required string Password { get; init; }
}

/// <summary>A volume in a machine.</summary>
public sealed record MachineMount
{
    /// <summary>A zmount of the same deployment, or "deployment/name" of another of the tenant's. One machine has it at a time.</summary>
    public required string Volume { get; init; }

    /// <summary>Absolute path in the machine.</summary>
    public required string Path { get; init; }

    /// <summary>Mounted read-only.</summary>
    public bool ReadOnly { get; init; }
}

/// <summary>A machine's place in a network.</summary>
public sealed record MachineNetwork
{
    /// <summary>A network of the same deployment, or "deployment/name" of another of the tenant's.</summary>
    public required string Network { get; init; }

    /// <summary>IPv4 address inside its range; chosen by the node if not given.</summary>
    public string? Ip { get; init; }

    /// <summary>More names that the other machines of the network know it by, at most 8; each as a host's name.</summary>
    public IReadOnlyList<string>? Aliases { get; init; }
}

/// <summary>A port of the node's uplink that leads to a port of the machine.</summary>
public sealed record PublishedPort
{
    /// <summary>Port of the node, inside the grant's ports.</summary>
    public required int Host { get; init; }

    /// <summary>Port of the machine.</summary>
    public required int Guest { get; init; }

    /// <summary>tcp or udp.</summary>
    public PortProtocol Protocol { get; set; } = PortProtocol.Tcp;
}

/// <summary>Transport of a published port.</summary>
[JsonConverter(typeof(NamedEnumConverter<PortProtocol>))]
public enum PortProtocol
{
    /// <summary>TCP.</summary>
    [JsonStringEnumMemberName("tcp")] Tcp,

    /// <summary>UDP.</summary>
    [JsonStringEnumMemberName("udp")] Udp,
}

/// <summary>When an ended machine is started again.</summary>
[JsonConverter(typeof(NamedEnumConverter<RestartPolicy>))]
public enum RestartPolicy
{
    /// <summary>Whatever the exit code.</summary>
    [JsonStringEnumMemberName("always")] Always,

    /// <summary>Only after a code other than 0.</summary>
    [JsonStringEnumMemberName("on-failure")] OnFailure,

    /// <summary>Never.</summary>
    [JsonStringEnumMemberName("never")] Never,
}

/// <summary>How a machine is asked to stop.</summary>
public sealed record StopPolicy
{
    /// <summary>"SIGTERM"; the image's stop signal if not given.</summary>
    public string? Signal { get; init; }

    /// <summary>"30s", "2m"; 10 s if not given, at most 10 minutes.</summary>
    public string Timeout { get; set; } = "10s";
}
