using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>The names of the bus's commands.</summary>
public static class Commands
{
    /// <summary>Anyone, unsealed: who the node is and how to seal to it.</summary>
    public const string NodeInfo = "zos.node.info";

    /// <summary>Owners and grantees: conditions, capacity, own use.</summary>
    public const string NodeStatus = "zos.node.status";

    /// <summary>Owners and grantees: what the node booted, proved by its TPM.</summary>
    public const string NodeAttest = "zos.node.attest";

    /// <summary>Owner: reboot.</summary>
    public const string NodeReboot = "zos.node.reboot";

    /// <summary>Owner: power off.</summary>
    public const string NodeShutdown = "zos.node.shutdown";

    /// <summary>Owner: update to a signed release.</summary>
    public const string NodeUpdate = "zos.node.update";

    /// <summary>The farm's recovery key, on a locked node only: give it back its identity.</summary>
    public const string NodeRecover = "zos.node.recover";

    /// <summary>Owner: give or change a tenant's grant.</summary>
    public const string GrantPut = "zos.grant.put";

    /// <summary>Owner: all grants.</summary>
    public const string GrantList = "zos.grant.list";

    /// <summary>Tenant: make, change.</summary>
    public const string DeploymentApply = "zos.deployment.apply";

    /// <summary>Tenant: one, with status.</summary>
    public const string DeploymentGet = "zos.deployment.get";

    /// <summary>Tenant: all of theirs.</summary>
    public const string DeploymentList = "zos.deployment.list";

    /// <summary>Tenant: take down; volumes stay unless named.</summary>
    public const string DeploymentDelete = "zos.deployment.delete";

    /// <summary>Tenant: start a stopped machine.</summary>
    public const string MachineStart = "zos.machine.start";

    /// <summary>Tenant: stop a machine.</summary>
    public const string MachineStop = "zos.machine.stop";

    /// <summary>Tenant: a machine's output, as a stream.</summary>
    public const string MachineLogs = "zos.machine.logs";

    /// <summary>Owner, tenant: own events, as a stream.</summary>
    public const string EventsWatch = "zos.events.watch";

    /// <summary>Tenant: volumes, kept ones too.</summary>
    public const string VolumeList = "zos.volume.list";

    /// <summary>Tenant: destroy a kept volume.</summary>
    public const string VolumeDelete = "zos.volume.delete";
}

/// <summary>A body with nothing in it.</summary>
public sealed record Nothing;

/// <summary>Answer to zos.node.info.</summary>
public sealed record NodeInfo
{
    /// <summary>The node's key id.</summary>
    public required string Id { get; init; }

    /// <summary>Version of ZeroOS.</summary>
    public required string Version { get; init; }

    /// <summary>SHA-256 of the running image, "sha256:...", or "unknown".</summary>
    public required string ImageDigest { get; init; }

    /// <summary>open, sealed or attested; locked: see <see cref="Locked"/>.</summary>
    public required string Tier { get; init; }

    /// <summary>Of a locked node: who it says it is, and why it cannot prove that; <see cref="Id"/> is then a key of this start alone.</summary>
    public LockedState? Locked { get; init; }

    /// <summary>What it can do: names of optional features.</summary>
    public required IReadOnlyList<string> Features { get; init; }

    /// <summary>The X25519 key to seal requests to.</summary>
    public required SealingKey SealingKey { get; init; }

    /// <summary>16 random bytes, base64, that requests must name.</summary>
    public required string Epoch { get; init; }

    /// <summary>The node's clock, UTC.</summary>
    public required DateTimeOffset Time { get; init; }
}

/// <summary>A sealing key, vouched for by the identity (docs/bus.md, "Keys"). The signature is Ed25519 over "zeroos.sealing-key.v1" NUL key(32 raw bytes).</summary>
public sealed record SealingKey
{
    /// <summary>X25519 public key, base64, 32 bytes.</summary>
    public required string Key { get; init; }

    /// <summary>The identity's signature, base64, 64 bytes.</summary>
    public required string Signature { get; init; }
}

/// <summary>Answer to zos.node.status.</summary>
public sealed record NodeStatus
{
    /// <summary>Boot stage: "booting" or "ready".</summary>
    public required string Stage { get; init; }

    /// <summary>Seconds from kernel start to ready.</summary>
    public double? ReadyAfterSeconds { get; init; }

    /// <summary>Network, clock, storage, publish (only when not well), a tenant's grant: each with a reason when not well.</summary>
    public required IReadOnlyList<NodeCondition> Conditions { get; init; }

    /// <summary>What the node has for tenants.</summary>
    public required Resources Capacity { get; init; }

    /// <summary>What is reserved: for owners in sum, for a tenant their own.</summary>
    public required Resources Used { get; init; }

    /// <summary>The asker's grant, if a tenant.</summary>
    public Grant? Grant { get; init; }

    /// <summary>Disks, owners only.</summary>
    public IReadOnlyList<DiskStatus>? Disks { get; init; }

    /// <summary>Uplink addresses, owners only.</summary>
    public IReadOnlyList<string>? Addresses { get; init; }

    /// <summary>The update under way, or how the last one ended; owners only.</summary>
    public UpdateStatus? Update { get; init; }
}

/// <summary>One thing that is well or not.</summary>
public sealed record NodeCondition
{
    /// <summary>"network", "clock", "storage", "machines", "update", "publish", "grant"; "farm" when settings are not used.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is well.</summary>
    public required bool Ok { get; init; }

    /// <summary>Kebab-case code when not.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence.</summary>
    public string? Message { get; init; }
}

/// <summary>A disk as the node sees it.</summary>
public sealed record DiskStatus
{
    /// <summary>Device name without /dev.</summary>
    public required string Name { get; init; }

    /// <summary>Serial number, or empty.</summary>
    public required string Serial { get; init; }

    /// <summary>Bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>empty, ours, foreign, broken, removable.</summary>
    public required string State { get; init; }

    /// <summary>Why it is in that state.</summary>
    public string? Reason { get; init; }
}

/// <summary>Amounts of what machines take.</summary>
public sealed record Resources
{
    /// <summary>Machines.</summary>
    public required int Machines { get; init; }

    /// <summary>Virtual processors.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory.</summary>
    public required ByteSize Memory { get; init; }

    /// <summary>Disk space.</summary>
    public required ByteSize Storage { get; init; }
}

/// <summary>What an owner lets a tenant have on a node.</summary>
public sealed record Grant
{
    /// <summary>The tenant's key id.</summary>
    public required string Grantee { get; init; }

    /// <summary>A grant replaces one with a lower version.</summary>
    public required int Version { get; init; }

    /// <summary>Machines at most.</summary>
    public required int Machines { get; init; }

    /// <summary>Virtual processors at most.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory at most.</summary>
    public required ByteSize Memory { get; init; }

    /// <summary>Disk space at most.</summary>
    public required ByteSize Storage { get; init; }

    /// <summary>Ports and ranges the tenant may publish: "8080", "30000-30100".</summary>
    public required IReadOnlyList<string> Ports { get; init; }

    /// <summary>Valid from, UTC.</summary>
    public required DateTimeOffset NotBefore { get; init; }

    /// <summary>Valid until, UTC.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>Seconds of powered-on, synced time between expiry and the end of the tenant's volumes.</summary>
    public required long GraceSeconds { get; init; }
}

/// <summary>All grants.</summary>
public sealed record GrantList
{
    /// <summary>Current versions.</summary>
    public required IReadOnlyList<Grant> Grants { get; init; }
}

/// <summary>Body of zos.deployment.apply. Under M-of-N the deployment is a signed document of its own; that place is <c>document</c>, later.</summary>
public sealed record DeploymentApply
{
    /// <summary>The whole deployment.</summary>
    public required Deployment Deployment { get; init; }
}

/// <summary>Names one deployment.</summary>
public sealed record DeploymentName
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
}

/// <summary>Body of zos.deployment.delete.</summary>
public sealed record DeploymentDelete
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Volumes to destroy with it; the others are kept.</summary>
    public IReadOnlyList<string> Volumes { get; set; } = [];
}

/// <summary>Answer to zos.deployment.list.</summary>
public sealed record DeploymentList
{
    /// <summary>The tenant's deployments.</summary>
    public required IReadOnlyList<DeploymentStatus> Deployments { get; init; }
}

/// <summary>Names one machine.</summary>
public sealed record MachineName
{
    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }
}

/// <summary>Body of zos.machine.logs.</summary>
public sealed record MachineLogs
{
    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }

    /// <summary>Go on as more comes.</summary>
    public bool Follow { get; init; }

    /// <summary>Only the last so many bytes of what is kept, at a line's start; absent: all.</summary>
    public long? TailBytes { get; init; }
}

/// <summary>One piece of a log stream.</summary>
public sealed record LogPiece
{
    /// <summary>Bytes, base64.</summary>
    public required string Data { get; init; }

    /// <summary>"stdout" or "stderr".</summary>
    public required string Stream { get; init; }
}

/// <summary>Body of zos.events.watch.</summary>
public sealed record EventsWatch
{
    /// <summary>Only events numbered above; 0 for all that are kept.</summary>
    public long After { get; init; }

    /// <summary>Go on as more happen.</summary>
    public bool Follow { get; init; }
}

/// <summary>Something that happened to the receiver's things, numbered per receiver without gaps.</summary>
public sealed record NodeEvent
{
    /// <summary>1, 2, 3, ... per receiver.</summary>
    public required long Number { get; init; }

    /// <summary>When, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Stable kebab-case kind: "workload-state", "grant-changed", "node-ready".</summary>
    public required string Kind { get; init; }

    /// <summary>Deployment, if about one.</summary>
    public string? Deployment { get; init; }

    /// <summary>Workload, if about one.</summary>
    public string? Workload { get; init; }

    /// <summary>The new state, if one.</summary>
    public WorkloadState? State { get; init; }

    /// <summary>Reason code.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence.</summary>
    public string? Message { get; init; }
}

/// <summary>A volume the tenant has on the node.</summary>
public sealed record VolumeStatus
{
    /// <summary>The deployment it was made by.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmount's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>Whether a deployment names it now.</summary>
    public required bool InUse { get; init; }
}

/// <summary>Answer to zos.volume.list.</summary>
public sealed record VolumeList
{
    /// <summary>The tenant's volumes.</summary>
    public required IReadOnlyList<VolumeStatus> Volumes { get; init; }
}

/// <summary>Names one volume.</summary>
public sealed record VolumeName
{
    /// <summary>The deployment it was made by.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmount's name.</summary>
    public required string Name { get; init; }
}
