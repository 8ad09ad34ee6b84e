using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Serving;

/// <summary>Runs admitted commands and signs what they answer. Transports hand it an admission and a way to send one envelope.</summary>
public sealed class Dispatcher(IdentityKey identity, EpochClock clock, Action<string> log)
{
    /// <summary>Streams one key may have open.</summary>
    public const int MaxStreamsPerKey = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<KeyId, int> _streams = [];

    /// <summary>Answers a request: refusals too. <paramref name="send"/> is called once per envelope, in order, never concurrently.</summary>
    public async Task AnswerAsync(Admission admission, Routes routes, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> send, CancellationToken cancellation)
    {
        if (admission.Request is not Message request)
            return;
        Replies replies = new(identity, clock, request, admission.SealReply);
        if (admission.Error is BusError refusal)
        {
            await send(replies.Refuse(refusal), cancellation);
            return;
        }
        Route route = (Route)routes.Find(request.Command)!;
        if (route.IsStream && !TryOpenStream(request.From))
        {
            await send(replies.Refuse(new BusError { Code = ErrorCodes.Busy, Message = $"{MaxStreamsPerKey} streams of this key are open; close one", Retryable = true }), cancellation);
            return;
        }
        try
        {
            await RunAsync(admission, request, route, replies, send, cancellation);
        }
        finally
        {
            if (route.IsStream)
                CloseStream(request.From);
        }
    }

    private async Task RunAsync(Admission admission, Message request, Route route, Replies replies, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> send,
        CancellationToken cancellation)
    {
        RequestContext context = new() { Sender = request.From, Roles = admission.Roles, Epoch = request.Epoch, MessageId = request.Id, RememberUntil = admission.RememberUntil };
        BusError? error = null;
        await using IAsyncEnumerator<JsonElement> bodies = route.AnswerAsync(context, admission.Body!, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            try
            {
                if (!await bodies.MoveNextAsync())
                    break;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                throw;
            }
            catch (BusErrorException e)
            {
                error = e.Error;
                break;
            }
            catch (Exception e)
            {
                // The dispatcher is one of the four places that catch everything: a fault of one handler is that request's, not the node's.
                log($"bus command={request.Command} fault={e.GetType().Name} message=\"{e.Message}\"");
                error = new BusError { Code = ErrorCodes.Internal, Message = "a fault of the node; its log says more", Retryable = true };
                break;
            }
            await send(replies.Piece(bodies.Current, end: !route.IsStream), cancellation);
            if (!route.IsStream)
                return;
        }
        await send(error is null ? replies.End() : replies.Refuse(error), cancellation);
    }

    private bool TryOpenStream(KeyId key)
    {
        lock (_lock)
        {
            int open = _streams.GetValueOrDefault(key);
            if (open >= MaxStreamsPerKey)
                return false;
            _streams[key] = open + 1;
            return true;
        }
    }

    private void CloseStream(KeyId key)
    {
        lock (_lock)
        {
            if (_streams[key] == 1)
                _streams.Remove(key);
            else
                _streams[key]--;
        }
    }
}
