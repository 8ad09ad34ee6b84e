using System.Runtime.CompilerServices;

using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Logs;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.machine.logs: what a tenant's machines say.</summary>
public sealed class MachineHandlers
{
    // A machine that writes line by line would else cost a sealed and signed envelope a line; nobody who reads along sees the difference.
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(25);

    private readonly EngineParts _parts;
    private readonly CancellationToken _stopping;

    internal MachineHandlers(EngineParts parts, CancellationToken stopping) => (_parts, _stopping) = (parts, stopping);

    /// <summary>
    /// A machine's output: what is kept, its tail, or what lies behind a position, and then what comes until the machine is removed or at rest, or the reader
    /// leaves.
    /// </summary>
    public async IAsyncEnumerable<LogPiece> Logs(RequestContext context, MachineLogs body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        WorkloadRow row = Machine(_parts, context.Tenant, body.Deployment, body.Machine);
        MachineLog log = _parts.Logs.Of(row.Id);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping);
        LogReader reader = body.After is { } position ? LogReader.After(log, position)
            : body.TailBytes is { } bytes ? LogReader.Tail(log, bytes) : new LogReader(log);
        while (true)
        {
            Task changed = log.Changed.Next;
            // Asked before the log is read: what the machine said last is in it when it is at rest.
            bool atRest = _parts.Store.Workload(row.Id)?.State is WorkloadState.Exited or WorkloadState.Failed;
            bool any = false;
            for (; reader.TryRead(out LogChunk chunk); any = true)
                yield return Piece(chunk);
            if (any)
                continue;
            if (!body.Follow || log.Removed || atRest)
                yield break;
            await changed.WaitAsync(either.Token).ConfigureAwait(false);
            await Task.Delay(s_gather, either.Token).ConfigureAwait(false);
        }
    }

    private static LogPiece Piece(LogChunk chunk) => new()
    {
        Stream = chunk.Stream,
        Data = Convert.ToBase64String(chunk.Bytes.Span),
        Position = chunk.Position,
    };

    /// <summary>A tenant's machine, by the names the tenant knows it by.</summary>
    /// <exception cref="BusErrorException">not-found.</exception>
    internal static WorkloadRow Machine(EngineParts parts, string tenant, string deployment, string machine)
    {
        if (parts.Store.Deployment(tenant, deployment) is not { Deleting: false })
            throw Refuse.NotFound($"you have no deployment \"{deployment}\" on this node", "deployment");
        WorkloadRow? row = parts.Store.Workload(new WorkloadId(tenant, deployment, machine));
        return row is { Type: WorkloadRow.Zmachine, Removed: false } ? row : throw Refuse.NotFound($"\"{deployment}\" has no machine \"{machine}\"", "machine");
    }
}
