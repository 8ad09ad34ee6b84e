using System.Runtime.CompilerServices;

using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Reconciling;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.events.watch: what happened to the asker's things.</summary>
public sealed class EventHandlers
{
    private readonly EngineParts _parts;
    private readonly CancellationToken _stopping;

    internal EventHandlers(EngineParts parts, CancellationToken stopping) => (_parts, _stopping) = (parts, stopping);

    /// <summary>The receiver's events above a number, and then those to come.</summary>
    public async IAsyncEnumerable<NodeEvent> Watch(RequestContext context, EventsWatch body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping);
        long after = Math.Max(0, body.After);
        while (true)
        {
            Task added = _parts.Store.EventsAdded.Next;
            IReadOnlyList<NodeEvent> events = _parts.Store.Events(context.Tenant, after);
            foreach (NodeEvent one in events)
            {
                after = one.Number;
                yield return one;
            }
            if (events.Count > 0)
                continue;
            if (!body.Follow)
                yield break;
            await added.WaitAsync(either.Token).ConfigureAwait(false);
        }
    }
}
