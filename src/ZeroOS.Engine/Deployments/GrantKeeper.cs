using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Deployments;

/// <summary>
/// Puts grants and lets their time pass. Dates only ever begin or end the running of machines; what destroys volumes is a count of this node's own
/// powered-on, clock-synced seconds, so that no forged clock can.
/// </summary>
internal sealed class GrantKeeper(EngineStore store, DeploymentAdmission deployments, Func<bool> clockSynced, Func<IReadOnlyList<string>> owners)
{
    /// <summary>Stores an owner's grant.</summary>
    /// <exception cref="BusErrorException">invalid, or conflict when the version is not above the stored one.</exception>
    public Grant Put(Grant grant, MessageMark? mark)
    {
        GrantRules.Check(grant);
        return store.Write(() =>
        {
            store.Mark(mark);
            GrantRow? old = store.Grant(grant.Grantee);
            if (old is not null && grant.Version <= old.Grant.Version)
            {
                if (Json(grant) == Json(old.Grant))
                    return grant;
                throw Refuse.Conflict($"the node has version {old.Grant.Version} of this grant; send a higher one", "version");
            }
            GrantPhase phase = clockSynced() ? PhaseAt(grant, store.Time.GetUtcNow())
                : old?.Phase == GrantPhase.Ended && grant.Expires <= old.Grant.Expires ? GrantPhase.Ended : GrantPhase.Active;
            // What was promised to whoever has something here is not taken back.
            bool hasThings = store.Volumes(grant.Grantee).Count > 0 || store.CountDeployments(grant.Grantee) > 0;
            store.SetGrant(new GrantRow(grant, phase, Math.Max(grant.GraceSeconds, hasThings ? old?.GraceSeconds ?? 0 : 0),
                phase == GrantPhase.Ended ? old?.GraceUsed ?? 0 : 0, old?.OverUsed ?? 0));
            Tell(grant, phase, $"version {grant.Version}: {grant.Machines} machines, {grant.Cpu} cpu, {grant.Memory} memory, {grant.Storage} storage, "
                + $"until {grant.Expires:yyyy-MM-dd}");
            return grant;
        });
    }

    /// <summary>
    /// Lets <paramref name="seconds"/> powered-on seconds pass; answers the tenants for whom something changed. While the clock is not synced nothing does.
    /// </summary>
    public IReadOnlyList<string> Tick(long seconds)
    {
        if (!clockSynced())
            return [];
        List<string> changed = [];
        DateTimeOffset now = store.Time.GetUtcNow();
        foreach (GrantRow seen in store.Grants())
        {
            string tenant = seen.Grant.Grantee;
            bool told = store.Write(() =>
            {
                if (store.Grant(tenant) is not { } row || row.Phase == GrantPhase.Gone)
                    return false;
                GrantPhase phase = PhaseAt(row.Grant, now);
                bool over = phase == GrantPhase.Active && GrantRules.IsOver(row.Grant, store.Use(tenant));
                GrantRow next = row with
                {
                    Phase = phase,
                    GraceUsed = phase == GrantPhase.Ended ? row.GraceUsed + (row.Phase == GrantPhase.Ended ? seconds : 0) : 0,
                    OverUsed = over ? row.OverUsed + seconds : 0,
                };
                if (next.Phase == GrantPhase.Ended && next.GraceUsed >= next.GraceSeconds)
                {
                    next = next with { Phase = GrantPhase.Gone };
                    deployments.DestroyAll(tenant);
                }
                if (next == row)
                    return false;
                store.SetGrant(next);
                bool loud = next.Phase != row.Phase || (next.OverUsed >= GrantRules.NoticeSeconds) != (row.OverUsed >= GrantRules.NoticeSeconds);
                if (loud)
                    Tell(next.Grant, next.Phase, next.Phase switch
                    {
                        GrantPhase.Ended => $"the grant has ended; volumes are kept for {next.GraceSeconds} seconds of this node's running time",
                        GrantPhase.Gone => "the grace is over; everything is being destroyed",
                        GrantPhase.Waiting => "the grant has not begun",
                        _ when next.OverUsed >= GrantRules.NoticeSeconds => "more is used than the grant has, and the notice is over: the newest machines stop",
                        _ => "the grant is active",
                    });
                return loud;
            });
            if (told)
                changed.Add(tenant);
        }
        return changed;
    }

    private static GrantPhase PhaseAt(Grant grant, DateTimeOffset now) =>
        now < grant.NotBefore ? GrantPhase.Waiting : now < grant.Expires ? GrantPhase.Active : GrantPhase.Ended;

    private void Tell(Grant grant, GrantPhase phase, string message)
    {
        string reason = phase switch { GrantPhase.Active => "active", GrantPhase.Waiting => "not-begun", GrantPhase.Ended => "ended", _ => "gone" };
        store.AddEvent(grant.Grantee, "grant-changed", reason: reason, message: message);
        foreach (string owner in owners().Where(o => o != grant.Grantee))
            store.AddEvent(owner, "grant-changed", reason: reason, message: $"{grant.Grantee}: {message}");
    }

    private static string Json(Grant grant) => JsonSerializer.Serialize(grant, BusJson.Default.Grant);
}
