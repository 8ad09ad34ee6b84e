using System.Runtime.CompilerServices;

using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.events.watch: what happened to the asker's things.</summary>
public sealed class EventHandlers
{
    // Bytes are counted, not announced: this is how often the counters are looked at for one stream.
    private static readonly TimeSpan s_progress = TimeSpan.FromSeconds(1);

    private readonly EngineParts _parts;
    private readonly Func<NodeFacts> _facts;
    private readonly CancellationToken _stopping;

    internal EventHandlers(EngineParts parts, Func<NodeFacts> facts, CancellationToken stopping) => (_parts, _facts, _stopping) = (parts, facts, stopping);

    /// <summary>The receiver's events above a number, or from now on, and then those to come, with progress between them if that is wanted.</summary>
    public async IAsyncEnumerable<NodeEvent> Watch(RequestContext context, EventsWatch body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping);
        string receiver = context.Tenant;
        // A number beyond the last is of a node that forgot, as one without a disk does: all that is kept is new then.
        long last = _parts.Store.LastEvent(receiver), after = body.After < 0 || body.After > last ? 0 : body.After;
        if (body.New)
        {
            after = last;
            yield return Aside(EventKinds.Watching, after);
        }
        Dictionary<WorkloadId, long> told = [];
        UpdateStatus? toldUpdate = null;
        while (true)
        {
            Task added = _parts.Store.EventsAdded.Of(receiver).Next;
            IReadOnlyList<NodeEvent> events = _parts.Store.Events(receiver, after);
            foreach (NodeEvent one in events)
            {
                after = one.Number;
                yield return one;
            }
            if (events.Count > 0)
                continue;
            if (!body.Follow)
                yield break;
            if (!body.Progress)
            {
                await added.WaitAsync(either.Token).ConfigureAwait(false);
                continue;
            }
            foreach ((WorkloadId machine, IImage image) in Fetching(receiver, told))
                yield return Aside(EventKinds.ImageProgress, after) with
                {
                    Deployment = machine.Deployment,
                    Workload = machine.Name,
                    DoneBytes = image.BytesFetched,
                    TotalBytes = image.BytesTotal
                };
            if (Updating(context) is { } update && update != toldUpdate)
            {
                toldUpdate = update;
                yield return Aside(EventKinds.UpdateProgress, after) with
                {
                    DoneBytes = update.DoneBytes,
                    TotalBytes = update.TotalBytes,
                    Message = update.Message
                };
            }
            await Task.WhenAny(added, Task.Delay(s_progress, either.Token)).ConfigureAwait(false);
            either.Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The tenant's images of which more is here than was told.</summary>
    private List<(WorkloadId Machine, IImage Image)> Fetching(string tenant, Dictionary<WorkloadId, long> told)
    {
        List<(WorkloadId, IImage)> moved = [];
        foreach ((WorkloadId machine, IImage image) in _parts.Ready)
        {
            if (machine.Tenant != tenant || image.BytesFetched == told.GetValueOrDefault(machine))
                continue;
            told[machine] = image.BytesFetched;
            moved.Add((machine, image));
        }
        return moved;
    }

    /// <summary>The update under way, for an owner.</summary>
    private UpdateStatus? Updating(RequestContext context) =>
        context.IsOwner && _facts().Update is { State: not (UpdateState.Kept or UpdateState.Failed) } update ? update : null;

    private NodeEvent Aside(string kind, long number) => new() { Number = number, Time = _parts.Time.GetUtcNow(), Kind = kind };
}
