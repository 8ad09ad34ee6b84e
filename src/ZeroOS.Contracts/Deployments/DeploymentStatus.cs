using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>Where a workload is: pending, preparing, running or exited; backing off, stopped, or failed for good.</summary>
[JsonConverter(typeof(NamedEnumConverter<WorkloadState>))]
public enum WorkloadState
{
    /// <summary>Accepted; nothing done yet.</summary>
    [JsonStringEnumMemberName("pending")] Pending,

    /// <summary>Being made.</summary>
    [JsonStringEnumMemberName("preparing")] Preparing,

    /// <summary>There (networks, volumes) or running (machines).</summary>
    [JsonStringEnumMemberName("running")] Running,

    /// <summary>The machine's program ended and its restart policy says so be it.</summary>
    [JsonStringEnumMemberName("exited")] Exited,

    /// <summary>Something transient failed; it is tried again at NextRetry.</summary>
    [JsonStringEnumMemberName("backing-off")] BackingOff,

    /// <summary>Stopped by the tenant.</summary>
    [JsonStringEnumMemberName("stopped")] Stopped,

    /// <summary>What no retry can mend.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>Being taken down.</summary>
    [JsonStringEnumMemberName("deleting")] Deleting,
}

/// <summary>A workload's status.</summary>
public sealed record WorkloadStatus
{
    /// <summary>The workload.</summary>
    public required string Name { get; init; }

    /// <summary>"network", "zmount", "zmachine".</summary>
    public required string Type { get; init; }

    /// <summary>Where it is.</summary>
    public required WorkloadState State { get; init; }

    /// <summary>Stable reason code in kebab-case ("image-not-found", "registry-unreachable", "crash-loop"), or null.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence for people, or null.</summary>
    public string? Message { get; init; }

    /// <summary>Tries so far while backing off.</summary>
    public int Attempt { get; init; }

    /// <summary>When it is tried again, UTC.</summary>
    public DateTimeOffset? NextRetry { get; init; }

    /// <summary>Machines: the last exit code.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Machines: times started.</summary>
    public int Starts { get; init; }

    /// <summary>Machines that run and have a check: what it says; null too for a moment after the node's process began anew.</summary>
    public HealthStatus? Health { get; init; }

    /// <summary>When the workload was made; absent for one of an earlier version.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Machines: when the program began that runs now.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Machines: when the last run ended whose end the node saw.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Machines: the last runs that are over, the newest first; only where one deployment is asked for.</summary>
    public IReadOnlyList<MachineRun>? Runs { get; init; }

    /// <summary>Machines: addresses by network name.</summary>
    public IReadOnlyDictionary<string, string>? Addresses { get; init; }

    /// <summary>Machines: image bytes fetched so far and in all.</summary>
    public long? ImageBytesFetched { get; init; }

    /// <summary>Machines: all bytes the image's chunks take on the registry.</summary>
    public long? ImageBytesTotal { get; init; }
}

/// <summary>A deployment as the node holds it. Secrets (credentials) are never in it.</summary>
public sealed record DeploymentStatus
{
    /// <summary>What was asked for.</summary>
    public required Deployment Deployment { get; init; }

    /// <summary>How each workload is.</summary>
    public required IReadOnlyList<WorkloadStatus> Workloads { get; init; }

    /// <summary>The deployment is being deleted.</summary>
    public bool Deleting { get; init; }
}
