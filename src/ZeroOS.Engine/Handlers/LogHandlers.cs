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

/// <summary>zos.machine.logs: the output of a tenant's machine.</summary>
public sealed class LogHandlers
{
    // A machine that writes line by line would else cost a sealed and signed envelope a line; nobody who reads along sees the difference.
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(25);

    // How long a stream waits that ends at a time: the clock may be set meanwhile.
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly EngineParts _parts;
    private readonly Action<string> _wake;
    private readonly CancellationToken _stopping;

    internal LogHandlers(EngineParts parts, Action<string> wake, CancellationToken stopping) => (_parts, _wake, _stopping) = (parts, wake, stopping);

    /// <summary>
    /// A machine's output: what is kept when it is asked for, its tail, or what lies behind a position; and then, if it is followed, what comes until the
    /// machine is removed or at rest, the time is over, or the reader leaves. A machine that goes waits a moment for its readers: they hear all of it.
    /// </summary>
    /// <exception cref="BusErrorException">not-found, or invalid: a tail in bytes and in lines, or of less than nothing.</exception>
    public async IAsyncEnumerable<LogPiece> Read(RequestContext context, MachineLogs body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        WorkloadRow row = MachineHandlers.Machine(_parts, context.Tenant, body.Deployment, body.Machine);
        MachineLog log = _parts.Logs.Of(row.Id);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping);
        LogReader reader = Begin(log, body);
        log.Enter();
        try
        {
            await foreach (LogPiece piece in ReadAsync(row.Id, log, reader, body, either.Token).ConfigureAwait(false))
                yield return piece;
        }
        finally
        {
            if (log.Leave() && _parts.Store.Workload(row.Id) is { State: WorkloadState.Deleting })
                _wake(context.Tenant);
        }
    }

    private async IAsyncEnumerable<LogPiece> ReadAsync(WorkloadId machine, MachineLog log, LogReader reader, MachineLogs body,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        bool isOwed = body.AtOnce;
        long end = body.Follow ? long.MaxValue : log.End;      // one who writes faster than it is read would else be followed
        while (true)
        {
            Task changed = log.Changed.Next;
            // Asked before the log is read: what the machine said last is in it when it is at rest.
            bool atRest = _parts.Store.Workload(machine) is { State: WorkloadState.Exited or WorkloadState.Failed }
                or { State: WorkloadState.Deleting, Live: false };
            TimeSpan left = Left(body);
            bool more = true;
            while (more && (reader.TryRead(out LogChunk chunk) || isOwed))
            {
                isOwed = false;
                more = chunk.IsFull && chunk.Position < end;
                yield return Piece(chunk);
            }
            if (!body.Follow || log.Removed || atRest || reader.IsOver || left <= TimeSpan.Zero)
                yield break;
            await ChangeAsync(changed, left, cancellation).ConfigureAwait(false);
            await Task.Delay(s_gather, cancellation).ConfigureAwait(false);
        }
    }

    private static LogReader Begin(MachineLog log, MachineLogs body)
    {
        if (body is { TailBytes: not null, TailLines: not null })
            throw Refuse.Invalid("tailLines", "a tail is in lines or in bytes, not in both");
        if (body.TailLines < 0 || body.TailBytes < 0)
            throw Refuse.Invalid(body.TailLines < 0 ? "tailLines" : "tailBytes", "a tail is 0 or more");
        LogReader reader = new(log)
        {
            Since = body.Since?.ToUnixTimeMilliseconds() ?? long.MinValue,
            Until = body.Until?.ToUnixTimeMilliseconds() ?? long.MaxValue,
            WithTimes = body.Times,
        };
        return body.After is { } position ? reader.After(position)
            : body.TailLines is { } lines ? reader.TailLines(lines)
            : body.TailBytes is { } bytes ? reader.Tail(bytes)
            : reader;
    }

    private static LogPiece Piece(LogChunk chunk) => new()
    {
        Data = Convert.ToBase64String(chunk.Bytes.Span),
        Runs = chunk.Runs,
        Time = chunk.Time is { } time ? DateTimeOffset.FromUnixTimeMilliseconds(time) : null,
        Position = chunk.Position,
    };

    private TimeSpan Left(MachineLogs body) => body.Until is { } until ? until - _parts.Time.GetUtcNow() : TimeSpan.MaxValue;

    /// <summary>Waits for a change, or for the end of the time.</summary>
    private static async Task ChangeAsync(Task changed, TimeSpan left, CancellationToken cancellation)
    {
        if (left == TimeSpan.MaxValue)
        {
            await changed.WaitAsync(cancellation).ConfigureAwait(false);
            return;
        }
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(changed, Task.Delay(left < s_longest ? left : s_longest, timer.Token)).ConfigureAwait(false);
        await timer.CancelAsync().ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
    }
}
