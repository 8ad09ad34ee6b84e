using System.Text.Json;

using Microsoft.Data.Sqlite;

using ZeroOS.Contracts.Bus;

namespace ZeroOS.Engine.Store;

public sealed partial class EngineStore
{
    private const string GrantColumns = "content,phase,grace,grace_used,over_used";

    /// <summary>Tenants that have a grant, ended ones in their grace included.</summary>
    public IReadOnlyList<string> Grantees => Read(() => Query("SELECT tenant FROM grants WHERE phase<$1", r => r.GetString(0), (int)GrantPhase.Gone));

    /// <summary>Whether the key is one of <see cref="Grantees"/>; answered from memory, for the gate asks before it knows anybody.</summary>
    public bool IsGrantee(string tenant) => _grantees.Contains(tenant);

    /// <summary>The same as <see cref="Grantees"/>, from memory.</summary>
    public IReadOnlyCollection<string> KnownGrantees => _grantees;

    /// <summary>Somebody became a grantee or is none any more; told on the thread that stored it.</summary>
    public event Action? GranteesChanged;

    /// <summary>Tenants of whom the node holds anything.</summary>
    internal IReadOnlyList<string> Tenants => Read(() => Query(
        "SELECT tenant FROM grants UNION SELECT tenant FROM deployments UNION SELECT tenant FROM volumes", r => r.GetString(0)));

    /// <summary>All grants.</summary>
    internal IReadOnlyList<GrantRow> Grants() => Read(() => Query($"SELECT {GrantColumns} FROM grants ORDER BY tenant", ReadGrant));

    /// <summary>A tenant's grant, or null.</summary>
    internal GrantRow? Grant(string tenant) => Read(() => Query($"SELECT {GrantColumns} FROM grants WHERE tenant=$1", ReadGrant, tenant).FirstOrDefault());

    /// <summary>Stores a grant as it is now.</summary>
    internal void SetGrant(GrantRow row) => Write(() =>
    {
        _grantsChanged = true;
        Execute(
        "INSERT INTO grants VALUES($1,$2,$3,$4,$5,$6,$7) ON CONFLICT(tenant) DO UPDATE SET version=excluded.version, content=excluded.content, "
            + "phase=excluded.phase, grace=excluded.grace, grace_used=excluded.grace_used, over_used=excluded.over_used",
        row.Grant.Grantee, row.Grant.Version, JsonSerializer.Serialize(row.Grant, BusJson.Default.Grant), (int)row.Phase, row.GraceSeconds, row.GraceUsed,
        row.OverUsed);
    });

    private static GrantRow ReadGrant(SqliteDataReader r) =>
        new(JsonSerializer.Deserialize(r.GetString(0), BusJson.Default.Grant)!, (GrantPhase)r.GetInt32(1), r.GetInt64(2), r.GetInt64(3), r.GetInt64(4));
}
