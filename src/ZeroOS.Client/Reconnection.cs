using ZeroOS.Bus.Client;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Client;

/// <summary>
/// Notices that a node is gone to which somebody listens, and finds it again. A computer that was reset closes no connection, and a tunnel on the way keeps one
/// open to nobody: after <see cref="Silence"/> the node is asked for node.info, which changes nothing there and says in which epoch it is. For one caller at a
/// time.
/// </summary>
internal sealed class Reconnection(BusClient bus, TimeProvider clock)
{
    /// <summary>How long a node is dialled before a stream is given up: the self-test of a server takes minutes.</summary>
    public static readonly TimeSpan UsualPatience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(250), s_longest = TimeSpan.FromSeconds(5);

    private long? _since;
    private long _answered;
    private TimeSpan _pause;
    private bool _told;
    private byte[]? _epoch;

    /// <summary>How long the node is dialled before it is given up.</summary>
    public TimeSpan Patience { get; init; } = UsualPatience;

    /// <summary>How long nothing may come before the node is asked whether it is there.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a node that is dialled may take to answer.</summary>
    public TimeSpan AnswersWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The node was told to start again: meanwhile it may refuse, or another may answer in its place, as a locked node does.</summary>
    public bool StartsAgain { get; init; }

    /// <summary>Told once a break: the node fell silent, or was not there when it was dialled at once. A door that another replaces is no news.</summary>
    public Action Lost { get; init; } = static () => { };

    /// <summary>Whether an attempt ended because a node that answered before is away, and not because <paramref name="cancellation"/> was.</summary>
    public bool IsBreak(Exception e, CancellationToken cancellation) => (_epoch ?? bus.Channel?.Epoch) is not null && Passes(e, cancellation);

    /// <summary>A piece of the node's came.</summary>
    public void Heard() => (_since, _epoch) = (null, bus.Channel?.Epoch);

    /// <summary>
    /// Waits for what comes next from the node. When nothing comes, and the node does not answer or began another epoch meanwhile, nothing will:
    /// <paramref name="attempt"/> is then cancelled.
    /// </summary>
    public async Task<T> NextAsync<T>(Task<T> next, CancellationTokenSource attempt)
    {
        while (true)
        {
            await ((Task)next).WaitAsync(Silence, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (next.IsCompleted)
                return await next;
            _epoch ??= bus.Channel?.Epoch;
            if (!await IsThereAsync(attempt.Token))
                await attempt.CancelAsync();
        }
    }

    /// <summary>Asks until there is an answer.</summary>
    /// <exception cref="ClientException">The node did not come back.</exception>
    public async Task<T> InsistAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        while (true)
        {
            Exception fault;
            using CancellationTokenSource attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            try
            {
                return await NextAsync(ask(attempt.Token), attempt);
            }
            catch (Exception e) when (IsBreak(e, cancellation))
            {
                fault = e;
            }
            await ReturnAsync(fault, cancellation);
        }
    }

    /// <summary>Dials with growing pauses until the node answers; <paramref name="fault"/> is what a connection to it ended with, if there was one.</summary>
    /// <exception cref="ClientException">It did not come back.</exception>
    public async Task<NodeInfo> ReturnAsync(Exception? fault, CancellationToken cancellation)
    {
        // A stream may be open for hours and carry nothing: what breaks long after the last dial is another break.
        if (_since is null || clock.GetElapsedTime(_answered) > s_longest)
            (_since, _pause, _told) = (clock.GetTimestamp(), s_first, false);
        if (fault is OperationCanceledException or BusTransportException { WasSilent: true })
            Tell();
        while (true)
        {
            await Task.Delay(_pause, clock, cancellation);
            _pause = _pause + _pause < s_longest ? _pause + _pause : s_longest;
            try
            {
                NodeInfo info = await AskAsync(cancellation);
                (_answered, _epoch) = (clock.GetTimestamp(), bus.Channel?.Epoch);
                return info;
            }
            catch (Exception e) when (Passes(e, cancellation))
            {
                Tell();
                if (clock.GetElapsedTime(_since.Value) > Patience)
                    throw new ClientException($"the node has not come back within {Patience.TotalSeconds:0} seconds: {Explain(e)}");
            }
        }
    }

    private string Explain(Exception e) => e is OperationCanceledException ? $"nothing answers within {AnswersWithin.TotalSeconds:0} seconds" : e.Message;

    private bool Passes(Exception e, CancellationToken cancellation) => IsAway(e) || (e is OperationCanceledException && !cancellation.IsCancellationRequested);

    /// <summary>The connection broke, or the node refuses for the moment while it comes up.</summary>
    private bool IsAway(Exception e) => e switch
    {
        UnfinishedReplyException or BusTransportException { Status: 0 or 503 } => true,
        BusTransportException { Status: 429 } => StartsAgain || _since is not null,
        BusErrorException { Error: { Retryable: true } or { Code: ErrorCodes.Stale or ErrorCodes.Busy } } => StartsAgain || _since is not null,
        SpoofedReplyException => StartsAgain,
        _ => false,
    };

    private void Tell()
    {
        if (!_told)
            Lost();
        _told = true;
    }

    private async Task<bool> IsThereAsync(CancellationToken cancellation)
    {
        try
        {
            await AskAsync(cancellation);
            return bus.Channel is { } now && now.Epoch.AsSpan().SequenceEqual(_epoch);
        }
        catch (Exception e) when (e is BusTransportException or SpoofedReplyException or BusErrorException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<NodeInfo> AskAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource within = new(AnswersWithin, clock), either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, within.Token);
        return await bus.InfoAsync(either.Token);
    }
}
