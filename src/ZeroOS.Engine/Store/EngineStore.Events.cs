using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Store;

public sealed partial class EngineStore
{
    /// <summary>Events kept of one deployment, and of what is not about one.</summary>
    public const int EventsKept = 200;

    /// <summary>Events kept of one receiver in all: deployments come and go.</summary>
    public const int EventsKeptInAll = 12_800;

    /// <summary>Stores an event for one receiver; numbers are gapless because the number and the event are one transaction.</summary>
    internal void AddEvent(string receiver, string kind, string? deployment = null, string? workload = null, WorkloadState? state = null, string? reason = null,
        string? message = null, int? exitCode = null) => Write(() =>
    {
        Execute("INSERT INTO receivers VALUES($1,1) ON CONFLICT(receiver) DO UPDATE SET last=last+1", receiver);
        long number = Scalar("SELECT last FROM receivers WHERE receiver=$1", receiver)!.Value;
        Execute("INSERT INTO events VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)", receiver, number, Time.GetUtcNow().ToUnixTimeMilliseconds(), kind,
            deployment, workload, state is { } s ? (int)s : null, reason, message, exitCode);
        Execute("DELETE FROM events WHERE receiver=$1 AND deployment IS $2 AND number <= "
            + "(SELECT number FROM events WHERE receiver=$1 AND deployment IS $2 ORDER BY number DESC LIMIT 1 OFFSET $3)",
            receiver, deployment, EventsKept);
        Execute("DELETE FROM events WHERE receiver=$1 AND number <= $2", receiver, number - EventsKeptInAll);
        _receivers.Add(receiver);
    });

    /// <summary>One event to every owner.</summary>
    internal void TellOwners(IReadOnlyList<string> owners, string kind, string reason, string message) => Write(() =>
    {
        foreach (string owner in owners)
            AddEvent(owner, kind, reason: reason, message: message);
    });

    /// <summary>The number of a receiver's last event, 0 before the first.</summary>
    internal long LastEvent(string receiver) => Read(() => Scalar("SELECT last FROM receivers WHERE receiver=$1", receiver) ?? 0);

    /// <summary>The reason of the last event of a kind about one workload; null: none is kept.</summary>
    internal string? LastReason(WorkloadId id, string kind) => Read(() => Query(
        "SELECT reason FROM events WHERE receiver=$1 AND deployment=$2 AND workload=$3 AND kind=$4 ORDER BY number DESC LIMIT 1",
        r => Text(r, 0), id.Tenant, id.Deployment, id.Name, kind).FirstOrDefault());

    /// <summary>Events of a receiver numbered above <paramref name="after"/>, in order, at most <paramref name="most"/>.</summary>
    internal IReadOnlyList<NodeEvent> Events(string receiver, long after, int most = 256) => Read(() => Query(
        "SELECT number,time,kind,deployment,workload,state,reason,message,exit_code FROM events WHERE receiver=$1 AND number>$2 ORDER BY number LIMIT $3",
        r => new NodeEvent
        {
            Number = r.GetInt64(0),
            Time = DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(1)),
            Kind = r.GetString(2),
            Deployment = Text(r, 3),
            Workload = Text(r, 4),
            State = r.IsDBNull(5) ? null : (WorkloadState)r.GetInt32(5),
            Reason = Text(r, 6),
            Message = Text(r, 7),
            ExitCode = r.IsDBNull(8) ? null : r.GetInt32(8),
        },
        receiver, after, most));
}
