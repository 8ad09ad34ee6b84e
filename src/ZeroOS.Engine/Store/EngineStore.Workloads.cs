using System.Text.Json;

using Microsoft.Data.Sqlite;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Store;

public sealed partial class EngineStore
{
    private const string WorkloadColumns = "tenant,deployment,name,type,sequence,removed,state,reason,message,attempt,next_retry,exit_code,starts,"
        + "started_at,stopped,live,fingerprint,attached,root_digest,cpu,memory,storage,created_at,ended_at,restarts";

    /// <summary>Everything of one tenant at one moment.</summary>
    internal TenantView Tenant(string tenant) => Read(() => new TenantView(
        tenant,
        Grant(tenant),
        Query("SELECT tenant,content,deleting FROM deployments WHERE tenant=$1 ORDER BY name", ReadDeployment, tenant),
        Query($"SELECT {WorkloadColumns} FROM workloads WHERE tenant=$1 ORDER BY sequence", ReadWorkload, tenant),
        Volumes(tenant),
        Query("SELECT deployment,network,machine,address FROM addresses WHERE tenant=$1", ReadAddress, tenant)));

    /// <summary>One deployment, or null.</summary>
    internal DeploymentRow? Deployment(string tenant, string name) =>
        Read(() => Query("SELECT tenant,content,deleting FROM deployments WHERE tenant=$1 AND name=$2", ReadDeployment, tenant, name).FirstOrDefault());

    /// <summary>Number of a tenant's deployments.</summary>
    internal long CountDeployments(string tenant) => Read(() => Scalar("SELECT count(*) FROM deployments WHERE tenant=$1", tenant)!.Value);

    /// <summary>Stores a deployment's content.</summary>
    internal void SetDeployment(DeploymentRow row) => Write(() => Execute(
        "INSERT INTO deployments VALUES($1,$2,$3,$4,$5) ON CONFLICT(tenant,name) DO UPDATE SET version=excluded.version, content=excluded.content, "
            + "deleting=excluded.deleting",
        row.Tenant, row.Content.Name, row.Content.Version, JsonSerializer.Serialize(row.Content, BusJson.Default.Deployment), row.Deleting ? 1 : 0));

    /// <summary>Forgets a deployment and what hangs on it; volumes are not part of it.</summary>
    internal void RemoveDeployment(string tenant, string name) => Write(() => Execute("DELETE FROM deployments WHERE tenant=$1 AND name=$2", tenant, name));

    /// <summary>Begins to take a deployment down: nothing of it is wanted any more, and its ports are free. Volumes stay.</summary>
    internal void BeginDelete(DeploymentRow row) => Write(() =>
    {
        if (row.Deleting)
            return;
        SetDeployment(row with { Deleting = true });
        SetPorts(row.Tenant, row.Content.Name, []);
        foreach (WorkloadRow workload in Workloads(row.Tenant, row.Content.Name))
            Change(workload.Id, w => w.AsGoing());
        AddEvent(row.Tenant, "deployment-deleting", row.Content.Name);
    });

    /// <summary>One workload, or null.</summary>
    internal WorkloadRow? Workload(WorkloadId id) => Read(() => Query(
        $"SELECT {WorkloadColumns} FROM workloads WHERE tenant=$1 AND deployment=$2 AND name=$3",
        ReadWorkload, id.Tenant, id.Deployment, id.Name).FirstOrDefault());

    /// <summary>The workloads of one deployment, those being taken down included.</summary>
    internal IReadOnlyList<WorkloadRow> Workloads(string tenant, string deployment) => Read(() => Query(
        $"SELECT {WorkloadColumns} FROM workloads WHERE tenant=$1 AND deployment=$2 ORDER BY sequence", ReadWorkload, tenant, deployment));

    /// <summary>A tenant's machines whose monitors were asked for and have not ended, as far as is stored.</summary>
    internal IReadOnlyList<WorkloadRow> LiveMachines(string tenant) => Read(() => Query(
        $"SELECT {WorkloadColumns} FROM workloads WHERE tenant=$1 AND type=$2 AND live=1 ORDER BY sequence", ReadWorkload, tenant, WorkloadRow.Zmachine));

    /// <summary>A tenant's machines that run or may still have cards or disks, as far as is stored.</summary>
    internal IReadOnlyList<WorkloadRow> HoldingMachines(string tenant) => Read(() => Query(
        $"SELECT {WorkloadColumns} FROM workloads WHERE tenant=$1 AND type=$2 AND (live=1 OR attached<>'') ORDER BY sequence",
        ReadWorkload, tenant, WorkloadRow.Zmachine));

    /// <summary>Stores a new workload under the next sequence number.</summary>
    internal void AddWorkload(WorkloadRow row) => Write(() =>
    {
        long sequence = Scalar("SELECT coalesce(max(sequence),0)+1 FROM workloads")!.Value;
        Execute($"INSERT INTO workloads({WorkloadColumns}) VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25)",
            Values(row with { Sequence = sequence, CreatedAt = Time.GetUtcNow() }));
        AddEvent(row.Id.Tenant, "workload-state", row.Id.Deployment, row.Id.Name, row.State, row.Reason, row.Message);
    });

    /// <summary>
    /// Reads, changes and stores one workload in one transaction; a change of state or reason is an event of the tenant. Null when it is gone meanwhile.
    /// </summary>
    internal WorkloadRow? Change(WorkloadId id, Func<WorkloadRow, WorkloadRow> change) => Write(() =>
    {
        if (Workload(id) is not { } before)
            return null;
        WorkloadRow after = change(before);
        if (after == before)
            return after;
        Execute("UPDATE workloads SET type=$4,sequence=$5,removed=$6,state=$7,reason=$8,message=$9,attempt=$10,next_retry=$11,exit_code=$12,starts=$13,"
            + "started_at=$14,stopped=$15,live=$16,fingerprint=$17,attached=$18,root_digest=$19,cpu=$20,memory=$21,storage=$22,"
            + "created_at=$23,ended_at=$24,restarts=$25 "
            + "WHERE tenant=$1 AND deployment=$2 AND name=$3",
            Values(after));
        if (after.State != before.State || after.Reason != before.Reason)
        {
            AddEvent(id.Tenant, "workload-state", id.Deployment, id.Name, after.State, after.Reason, after.Message);
            _changed.Add(id);
        }
        return after;
    });

    /// <summary>Forgets a workload that was taken down; false if a message wants it again meanwhile.</summary>
    internal bool RemoveWorkload(WorkloadId id) => Write(() =>
    {
        int? exitCode = Workload(id)?.ExitCode;
        if (Execute("DELETE FROM workloads WHERE tenant=$1 AND deployment=$2 AND name=$3 AND removed=1", id.Tenant, id.Deployment, id.Name) == 0)
            return false;
        AddEvent(id.Tenant, EventKinds.WorkloadRemoved, id.Deployment, id.Name, exitCode: exitCode);
        return true;
    });

    /// <summary>A tenant's volumes, kept ones included.</summary>
    internal IReadOnlyList<VolumeRow> Volumes(string tenant) => Read(() => Query(
        "SELECT deployment,name,size,destroying FROM volumes WHERE tenant=$1 ORDER BY deployment,name",
        r => new VolumeRow(new WorkloadId(tenant, r.GetString(0), r.GetString(1)), r.GetInt64(2), r.GetInt64(3) != 0), tenant));

    /// <summary>Promises a volume, or a larger one.</summary>
    internal void SetVolume(VolumeRow row) => Write(() => Execute(
        "INSERT INTO volumes VALUES($1,$2,$3,$4,$5) ON CONFLICT(tenant,deployment,name) DO UPDATE SET size=excluded.size, destroying=excluded.destroying",
        row.Id.Tenant, row.Id.Deployment, row.Id.Name, row.SizeBytes, row.Destroying ? 1 : 0));

    /// <summary>Forgets a volume that was destroyed.</summary>
    internal void RemoveVolume(WorkloadId id) => Write(() =>
    {
        if (Execute("DELETE FROM volumes WHERE tenant=$1 AND deployment=$2 AND name=$3 AND destroying=1", id.Tenant, id.Deployment, id.Name) > 0)
            AddEvent(id.Tenant, "volume-destroyed", id.Deployment, id.Name);
    });

    /// <summary>Replaces the addresses of a deployment's machines.</summary>
    internal void SetAddresses(string tenant, string deployment, IEnumerable<AddressRow> rows) => Write(() =>
    {
        Execute("DELETE FROM addresses WHERE tenant=$1 AND deployment=$2", tenant, deployment);
        foreach (AddressRow row in rows)
            Execute("INSERT INTO addresses VALUES($1,$2,$3,$4,$5)", tenant, deployment, row.Network, row.Machine, (long)row.Address);
    });

    /// <summary>The addresses of a deployment's machines.</summary>
    internal IReadOnlyList<AddressRow> Addresses(string tenant, string deployment) => Read(() => Query(
        "SELECT deployment,network,machine,address FROM addresses WHERE tenant=$1 AND deployment=$2", ReadAddress, tenant, deployment));

    /// <summary>Who has a port, or null.</summary>
    internal WorkloadId? PortOwner(PortProtocol protocol, int port) => Read(() => Query<WorkloadId?>(
        "SELECT tenant,deployment,machine FROM ports WHERE protocol=$1 AND port=$2", r => new WorkloadId(r.GetString(0), r.GetString(1), r.GetString(2)),
        (int)protocol, port).FirstOrDefault());

    /// <summary>Every published port of the node.</summary>
    internal IReadOnlyList<PortRow> Ports() => Read(() => Query(
        "SELECT protocol,port,tenant,deployment,machine,guest FROM ports ORDER BY protocol,port",
        r => new PortRow((PortProtocol)r.GetInt32(0), r.GetInt32(1), new WorkloadId(r.GetString(2), r.GetString(3), r.GetString(4)), r.GetInt32(5))));

    /// <summary>
    /// Replaces the ports of a deployment; a port another deployment has is a constraint failure, so look with <see cref="PortOwner"/> first.
    /// </summary>
    internal void SetPorts(string tenant, string deployment, IEnumerable<PortRow> rows) => Write(() =>
    {
        Execute("DELETE FROM ports WHERE tenant=$1 AND deployment=$2", tenant, deployment);
        foreach (PortRow row in rows)
            Execute("INSERT INTO ports VALUES($1,$2,$3,$4,$5,$6)", (int)row.Protocol, row.Port, tenant, deployment, row.Machine.Name, row.GuestPort);
    });

    /// <summary>Counts an image's stored bytes against its tenant's grant.</summary>
    internal void SetImage(string tenant, string digest, long bytes) => Write(() => Execute(
        "INSERT INTO images VALUES($1,$2,$3) ON CONFLICT(tenant,digest) DO UPDATE SET bytes=excluded.bytes", tenant, digest, bytes));

    /// <summary>Keeps only the images that the tenant's machines name.</summary>
    internal void KeepImages(string tenant, IReadOnlySet<string> digests) => Write(() =>
    {
        foreach (string digest in Query("SELECT digest FROM images WHERE tenant=$1", r => r.GetString(0), tenant))
        {
            if (!digests.Contains(digest))
                Execute("DELETE FROM images WHERE tenant=$1 AND digest=$2", tenant, digest);
        }
    });

    /// <summary>What one tenant, or all of them, have reserved. Workloads being taken down still count, volumes until they are gone.</summary>
    internal ResourceUse Use(string? tenant) => Read(() =>
    {
        ResourceUse machines = Query(
            "SELECT count(CASE WHEN type='zmachine' THEN 1 END), coalesce(sum(cpu),0), coalesce(sum(memory),0), coalesce(sum(storage),0) FROM workloads "
                + "WHERE $1 IS NULL OR tenant=$1",
            r => new ResourceUse(r.GetInt32(0), r.GetInt32(1), r.GetInt64(2), r.GetInt64(3)), tenant)[0];
        long volumes = Scalar("SELECT coalesce(sum(size),0) FROM volumes WHERE $1 IS NULL OR tenant=$1", tenant)!.Value;
        long images = Scalar("SELECT coalesce(sum(bytes),0) FROM images WHERE $1 IS NULL OR tenant=$1", tenant)!.Value;
        long deployments = Scalar("SELECT count(*) FROM deployments WHERE $1 IS NULL OR tenant=$1", tenant)!.Value;
        return machines + new ResourceUse(0, 0, 0, volumes + images + (deployments * ResourceUse.HistoryBytes));
    });

    /// <summary>Guest memory of every machine of the node.</summary>
    internal IReadOnlyList<long> MachineMemories() => Read(() => Query("SELECT memory FROM workloads WHERE type='zmachine'", r => r.GetInt64(0)));

    private static DeploymentRow ReadDeployment(SqliteDataReader r) =>
        new(r.GetString(0), JsonSerializer.Deserialize(r.GetString(1), BusJson.Default.Deployment)!, r.GetInt64(2) != 0);

    private static AddressRow ReadAddress(SqliteDataReader r) => new(r.GetString(0), r.GetString(1), r.GetString(2), (uint)r.GetInt64(3));

    private static WorkloadRow ReadWorkload(SqliteDataReader r) => new()
    {
        Id = new WorkloadId(r.GetString(0), r.GetString(1), r.GetString(2)),
        Type = r.GetString(3),
        Sequence = r.GetInt64(4),
        Removed = r.GetInt64(5) != 0,
        State = (WorkloadState)r.GetInt32(6),
        Reason = Text(r, 7),
        Message = Text(r, 8),
        Attempt = r.GetInt32(9),
        NextRetry = Moment(r, 10),
        ExitCode = r.IsDBNull(11) ? null : r.GetInt32(11),
        Starts = r.GetInt32(12),
        StartedAt = Moment(r, 13),
        Stopped = r.GetInt64(14) != 0,
        Live = r.GetInt64(15) != 0,
        Fingerprint = r.GetString(16),
        Attached = r.GetString(17),
        RootDigest = r.GetString(18),
        Cpu = r.GetInt32(19),
        Memory = r.GetInt64(20),
        Storage = r.GetInt64(21),
        CreatedAt = Moment(r, 22),
        EndedAt = Moment(r, 23),
        Restarts = r.GetInt32(24),
    };

    private static object?[] Values(WorkloadRow w) =>
    [
        w.Id.Tenant, w.Id.Deployment, w.Id.Name, w.Type, w.Sequence, w.Removed ? 1 : 0, (int)w.State, w.Reason, w.Message, w.Attempt,
        w.NextRetry?.ToUnixTimeMilliseconds(), w.ExitCode, w.Starts, w.StartedAt?.ToUnixTimeMilliseconds(), w.Stopped ? 1 : 0, w.Live ? 1 : 0,
        w.Fingerprint, w.Attached, w.RootDigest, w.Cpu, w.Memory, w.Storage, w.CreatedAt?.ToUnixTimeMilliseconds(), w.EndedAt?.ToUnixTimeMilliseconds(),
        w.Restarts,
    ];
}
