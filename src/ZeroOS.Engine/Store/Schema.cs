namespace ZeroOS.Engine.Store;

/// <summary>
/// The tables. Times are milliseconds since 1970, UTC; content is the bus's JSON. A later version of the schema adds a step, never edits one.
/// </summary>
internal static class Schema
{
    /// <summary>Steps from an empty file; PRAGMA user_version counts those done.</summary>
    public static readonly IReadOnlyList<string> Steps =
    [
        """
        CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE grants(
            tenant TEXT PRIMARY KEY, version INTEGER NOT NULL, content TEXT NOT NULL,
            phase INTEGER NOT NULL,            -- GrantPhase: changes only while the clock is synced
            grace INTEGER NOT NULL,            -- seconds; never less than what was promised while the tenant has volumes
            grace_used INTEGER NOT NULL,       -- seconds powered on and synced since the end
            over_used INTEGER NOT NULL         -- seconds powered on and synced above a reduced grant
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE deployments(
            tenant TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL, deleting INTEGER NOT NULL,
            PRIMARY KEY(tenant, name)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE workloads(
            tenant TEXT NOT NULL, deployment TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, sequence INTEGER NOT NULL,
            removed INTEGER NOT NULL,          -- no longer wanted, not yet taken down
            state INTEGER NOT NULL, reason TEXT, message TEXT, attempt INTEGER NOT NULL, next_retry INTEGER,
            exit_code INTEGER, starts INTEGER NOT NULL, started_at INTEGER,
            stopped INTEGER NOT NULL,          -- by the tenant
            live INTEGER NOT NULL,             -- a monitor was asked for and its end is not stored yet
            fingerprint TEXT NOT NULL,         -- what it was made from
            attached TEXT NOT NULL,            -- networks it has a card in: "net=10.77.1.2 back=10.78.0.2"
            root_digest TEXT NOT NULL,         -- the image its writable layer lies over
            cpu INTEGER NOT NULL, memory INTEGER NOT NULL, storage INTEGER NOT NULL,
            PRIMARY KEY(tenant, deployment, name),
            FOREIGN KEY(tenant, deployment) REFERENCES deployments(tenant, name) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE addresses(
            tenant TEXT NOT NULL, deployment TEXT NOT NULL, network TEXT NOT NULL, machine TEXT NOT NULL, address INTEGER NOT NULL,
            PRIMARY KEY(tenant, deployment, network, machine), UNIQUE(tenant, deployment, network, address),
            FOREIGN KEY(tenant, deployment) REFERENCES deployments(tenant, name) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE ports(
            protocol INTEGER NOT NULL, port INTEGER NOT NULL, tenant TEXT NOT NULL, deployment TEXT NOT NULL, machine TEXT NOT NULL, guest INTEGER NOT NULL,
            PRIMARY KEY(protocol, port),
            FOREIGN KEY(tenant, deployment) REFERENCES deployments(tenant, name) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX ports_owner ON ports(tenant, deployment);
        CREATE TABLE volumes(
            tenant TEXT NOT NULL, deployment TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, destroying INTEGER NOT NULL,
            PRIMARY KEY(tenant, deployment, name)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE images(
            tenant TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL,
            PRIMARY KEY(tenant, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE seen(
            sender TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY(sender, id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE receivers(receiver TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE events(
            receiver TEXT NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL,
            deployment TEXT, workload TEXT, state INTEGER, reason TEXT, message TEXT,
            PRIMARY KEY(receiver, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX events_deployment ON events(receiver, deployment, number);
        """,
        // From here on a stored deployment may leave a machine's memory out, which a ZeroOS with one step cannot read: it goes on with the copy that is made
        // before this step.
        "INSERT INTO meta VALUES('memory-optional', '1')",
        // From here on a stored deployment may say when a machine begins, how often it is started again, and that the deployment goes with it.
        """
        ALTER TABLE workloads ADD COLUMN created_at INTEGER;
        ALTER TABLE workloads ADD COLUMN ended_at INTEGER;
        ALTER TABLE workloads ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;     -- by its policy, in a row
        ALTER TABLE events ADD COLUMN exit_code INTEGER;
        CREATE TABLE runs(
            tenant TEXT NOT NULL, deployment TEXT NOT NULL, machine TEXT NOT NULL, number INTEGER NOT NULL,
            started_at INTEGER, ended_at INTEGER, exit_code INTEGER, signal INTEGER, reason TEXT NOT NULL, out_of_memory INTEGER NOT NULL,
            PRIMARY KEY(tenant, deployment, machine, number),
            FOREIGN KEY(tenant, deployment, machine) REFERENCES workloads(tenant, deployment, name) ON DELETE CASCADE
        ) STRICT, WITHOUT ROWID;
        """,
    ];
}
