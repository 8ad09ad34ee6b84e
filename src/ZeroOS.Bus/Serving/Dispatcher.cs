using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Serving;

/// <summary>Runs admitted commands and signs what they answer. Transports hand it a decision and a way to send one envelope.</summary>
public sealed class Dispatcher(IdentityKey identity, EpochClock clock, Action<string> log)
{
    /// <summary>Streams one key may have open.</summary>
    public const int MaxStreamsPerKey = 8;

    /// <summary>Streams open at once, of all keys: each holds one signed piece while its reader is slow.</summary>
    public const int MaxStreams = 128;

    /// <summary>How many of these only owners get.</summary>
    public const int OwnerStreams = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<KeyId, int> _streams = [];
    private int _open;

    /// <summary>Answers a request: refusals too. <paramref name="send"/> is called once per envelope, in order, never concurrently.</summary>
    public async Task AnswerAsync(Decision decision, Routes routes, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> send,
        CancellationToken cancellation)
    {
        if (decision.Request is not Message request)
            return;
        Replies replies = new(identity, clock, request, decision.SealReply);
        if (decision.Error is BusError refusal)
        {
            await send(replies.Refuse(refusal), cancellation);
            return;
        }
        Route route = (Route)routes.Find(request.Command)!;
        if (route.IsStream && !TryOpenStream(request.From, isOwner: (decision.Roles & Roles.Owner) != 0))
        {
            string why = $"at most {MaxStreamsPerKey} streams of one key and {MaxStreams} in all are open at once; close one, or try again later";
            await send(replies.Refuse(new BusError { Code = ErrorCodes.Busy, Message = why, Retryable = true }), cancellation);
            return;
        }
        try
        {
            await RunAsync(decision, request, route, replies, send, cancellation);
        }
        finally
        {
            if (route.IsStream)
                CloseStream(request.From);
        }
    }

    private async Task RunAsync(Decision decision, Message request, Route route, Replies replies, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> send,
        CancellationToken cancellation)
    {
        RequestContext context = new()
        {
            Sender = request.From,
            Roles = decision.Roles,
            Epoch = request.Epoch,
            MessageId = request.Id,
            RememberUntil = decision.RememberUntil,
        };
        try
        {
            await using IAsyncEnumerator<JsonElement> bodies = route.AnswerAsync(context, decision.Body!, cancellation).GetAsyncEnumerator(cancellation);
            while (true)
            {
                (bool more, BusError? refusal) = await NextAsync(bodies, context, request.Command, cancellation);
                if (!more)
                {
                    await send(refusal is null ? replies.End() : replies.Refuse(refusal), cancellation);
                    return;
                }
                await send(replies.Piece(bodies.Current, end: !route.IsStream), cancellation);
                if (!route.IsStream)
                    return;
            }
        }
        finally
        {
            context.Sent();
        }
    }

    /// <summary>Whether the handler has another piece, or why it has none; what it wanted done after the answer is forgotten when it failed.</summary>
    private async Task<(bool More, BusError? Refusal)> NextAsync(IAsyncEnumerator<JsonElement> bodies, RequestContext context, string command,
        CancellationToken cancellation)
    {
        bool failed = true;
        try
        {
            bool more = await bodies.MoveNextAsync();
            failed = false;
            return (more, null);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (BusErrorException e)
        {
            return (false, e.Error);
        }
        catch (Exception e)
        {
            // One of the places that catch everything: a fault of one handler is that request's, not the node's.
            log($"event=command-fault command={command} error={e.GetType().Name} message=\"{e.Message}\"");
            return (false, new BusError { Code = ErrorCodes.Internal, Message = "a fault of the node; its log says more", Retryable = true });
        }
        finally
        {
            if (failed)
                context.Forget();
        }
    }

    private bool TryOpenStream(KeyId key, bool isOwner)
    {
        lock (_lock)
        {
            int open = _streams.GetValueOrDefault(key);
            if (open >= MaxStreamsPerKey || _open >= (isOwner ? MaxStreams : MaxStreams - OwnerStreams))
                return false;
            _streams[key] = open + 1;
            _open++;
            return true;
        }
    }

    private void CloseStream(KeyId key)
    {
        lock (_lock)
        {
            _open--;
            if (_streams[key] == 1)
                _streams.Remove(key);
            else
                _streams[key]--;
        }
    }
}
