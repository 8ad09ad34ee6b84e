using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Store;

/// <summary>What the node knows about one workload beside what was asked for.</summary>
internal sealed record WorkloadRow
{
    /// <summary>"network".</summary>
    public const string Network = "network";

    /// <summary>"zmount".</summary>
    public const string Zmount = "zmount";

    /// <summary>"zmachine".</summary>
    public const string Zmachine = "zmachine";

    /// <summary>The fingerprint of a machine that is to be made again as it is: no wish has it.</summary>
    public const string MadeAgain = "";

    /// <summary>Which.</summary>
    public required WorkloadId Id { get; init; }

    /// <summary>One of the three above.</summary>
    public required string Type { get; init; }

    /// <summary>Rises with every workload made; the highest is the newest.</summary>
    public long Sequence { get; init; }

    /// <summary>No longer wanted, not yet taken down.</summary>
    public bool Removed { get; init; }

    /// <summary>Where it is.</summary>
    public WorkloadState State { get; init; }

    /// <summary>Reason code.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence.</summary>
    public string? Message { get; init; }

    /// <summary>Failed tries in a row.</summary>
    public int Attempt { get; init; }

    /// <summary>Not tried before.</summary>
    public DateTimeOffset? NextRetry { get; init; }

    /// <summary>Last exit code.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Times started.</summary>
    public int Starts { get; init; }

    /// <summary>When its program last began to run.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it was made; null for one of an earlier version.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>When the end of its last run was heard.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Times in a row that its policy started it again.</summary>
    public int Restarts { get; init; }

    /// <summary>The tenant stopped it, or has not started it yet.</summary>
    public bool Stopped { get; init; }

    /// <summary>A monitor was asked for, and its end is not stored yet.</summary>
    public bool Live { get; init; }

    /// <summary>What it was made from; a machine whose wish has another is made again. A network's is its range.</summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>Networks that have a card of it: "net=10.77.1.2", separated by spaces.</summary>
    public string Attached { get; init; } = "";

    /// <summary>The image its writable layer lies over; empty: no layer worth keeping.</summary>
    public string RootDigest { get; init; } = "";

    /// <summary>Reserved processors.</summary>
    public int Cpu { get; init; }

    /// <summary>Reserved guest memory in bytes.</summary>
    public long Memory { get; init; }

    /// <summary>Reserved bytes of disk, volumes not included.</summary>
    public long Storage { get; init; }

    /// <summary>The same, no longer wanted.</summary>
    public WorkloadRow AsGoing() =>
        this with { Removed = true, State = WorkloadState.Deleting, Reason = null, Message = null, Attempt = 0, NextRetry = null };

    /// <summary>The networks of <see cref="Attached"/>.</summary>
    public IEnumerable<string> AttachedNetworks => AttachedCards.Select(c => c.Network);

    /// <summary>The networks and addresses of <see cref="Attached"/>.</summary>
    public IEnumerable<(string Network, string Address)> AttachedCards => Attached.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(a => (a[..a.IndexOf('=')], a[(a.IndexOf('=') + 1)..]));
}

/// <summary>A volume that exists or is promised.</summary>
internal sealed record VolumeRow(WorkloadId Id, long SizeBytes, bool Destroying);

/// <summary>A stored deployment.</summary>
internal sealed record DeploymentRow(string Tenant, Deployment Content, bool Deleting);

/// <summary>A published port.</summary>
internal sealed record PortRow(PortProtocol Protocol, int Port, WorkloadId Machine, int GuestPort);

/// <summary>A machine's address in a network.</summary>
internal sealed record AddressRow(string Deployment, string Network, string Machine, uint Address);

/// <summary>Everything of one tenant, read at one moment.</summary>
internal sealed record TenantView(string Tenant, GrantRow? Grant, IReadOnlyList<DeploymentRow> Deployments, IReadOnlyList<WorkloadRow> Workloads,
    IReadOnlyList<VolumeRow> Volumes, IReadOnlyList<AddressRow> Addresses)
{
    private readonly Lazy<IReadOnlyDictionary<WorkloadId, Workload>> _wanted = new(() => Deployments.Where(d => !d.Deleting)
        .SelectMany(d => d.Content.Workloads, (d, w) => (Id: new WorkloadId(Tenant, d.Content.Name, w.Name), Workload: w))
        .ToDictionary(w => w.Id, w => w.Workload));

    /// <summary>The workloads of all deployments that are not going.</summary>
    public IReadOnlyDictionary<WorkloadId, Workload> Wanted => _wanted.Value;
}
