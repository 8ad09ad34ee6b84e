using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Engine.Store;

public sealed partial class EngineStore
{
    private const string UpdateKey = "update", HighestReleaseKey = "highest-release";

    /// <summary>The highest version this node has ever kept by an update; null before the first.</summary>
    internal Version? HighestRelease => Read(() => Version.TryParse(Meta(HighestReleaseKey), out Version? version) ? version : null);

    /// <summary>What is remembered of the last update; null when there was none, or a later ZeroOS wrote what cannot be read here.</summary>
    internal UpdateRecord? Update => Read(() =>
    {
        try
        {
            return Meta(UpdateKey) is { } json ? JsonSerializer.Deserialize(json, UpdateJson.Default.UpdateRecord) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    });

    /// <summary>Remembers an update's state, tells every owner of it, and counts the message that asked for it as done: one transaction.</summary>
    internal void SetUpdate(UpdateRecord record, IReadOnlyList<string> owners, MessageMark? mark = null) => Write(() =>
    {
        Mark(mark);
        SetMeta(UpdateKey, JsonSerializer.Serialize(record, UpdateJson.Default.UpdateRecord));
        if (record.State == UpdateState.Kept && Version.TryParse(record.Version, out Version? version)
            && (HighestRelease is not { } highest || version > highest))
            SetMeta(HighestReleaseKey, record.Version);
        foreach (string owner in owners)
            AddEvent(owner, EventKinds.NodeUpdate, reason: record.State.ToString().ToLowerInvariant(), message: Sentence(record));
    });

    /// <summary>Machines whose program runs now.</summary>
    internal IReadOnlyList<ExpectedMachine> RunningMachines() => Read<IReadOnlyList<ExpectedMachine>>(() =>
    {
        List<ExpectedMachine> running = Query(
            "SELECT tenant,deployment,name FROM workloads WHERE type=$1 AND state=$2 AND removed=0 AND stopped=0 ORDER BY sequence",
            r => new ExpectedMachine(r.GetString(0), r.GetString(1), r.GetString(2)), WorkloadRow.Zmachine, (int)WorkloadState.Running);
        return [.. running.Select(m => m with { Version = Deployment(m.Tenant, m.Deployment)?.Content.Version })];
    });

    private static string Sentence(UpdateRecord record) =>
        $"{record.From} to {record.Version}{(record.Reason is null ? "" : $": {record.Reason}")}{(record.Message is null ? "" : $": {record.Message}")}";
}
