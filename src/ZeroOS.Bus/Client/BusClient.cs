using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Client;

/// <summary>
/// Speaks to one pinned node: learns its epoch, time and sealing key, signs and seals requests by the node's clock, and believes an answer only if it is the
/// pinned node's, addressed to us, to this question, without a gap, and ended. For one caller at a time.
/// </summary>
public sealed class BusClient(IdentityKey identity, KeyId node, IBusTransport transport, TimeProvider clock)
{
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_openingWindow = TimeSpan.FromSeconds(20);    // openings are many, and the node remembers each as long as it counts
    private static readonly TimeSpan s_infoLife = TimeSpan.FromHours(1);

    // A flooded door resets what is over its rate. node.info changes nothing, so it may be sent as often as it takes. Nor does an opening that nothing came of:
    // the node does nothing in or to a machine before the client's begin, and a session that nobody begins is gone after ten seconds.
    private const int Dials = 20;
    private static readonly TimeSpan s_dialAgainAfter = TimeSpan.FromMilliseconds(100);

    private NodeChannel? _channel;

    /// <summary>The pinned node.</summary>
    public KeyId Node => node;

    /// <summary>
    /// The epoch and the sealing key of the last request that was answered; null before. What a node says of its own start must be about these.
    /// </summary>
    public (byte[] Epoch, byte[] SealingKey)? Channel => _channel is { } known ? (Convert.FromBase64String(known.Epoch), known.SealingKey) : null;

    /// <summary>
    /// Asks whoever is there who it is, and checks that it can sign for the id it claims. Whether that id is the right one is for a person to say.
    /// </summary>
    /// <exception cref="SpoofedReplyException">It cannot.</exception>
    public static async Task<NodeInfo> WhoIsThereAsync(IdentityKey identity, IBusTransport transport, TimeProvider clock, CancellationToken cancellation)
    {
        Message request = NewInfoRequest(identity, Message.Anyone, clock);
        await foreach (ReadOnlyMemory<byte> line in SendInfoAsync(transport, request.Sign(identity), clock, cancellation))
        {
            if (Envelope.TryRead(line.Span, out Envelope? envelope, maxSignatures: 1))
                return ReadInfo(new ReplyReader(request, envelope.Sender, null).Read(line.Span), envelope.Sender);
            break;
        }
        throw new SpoofedReplyException("what answered did not sign its answer");
    }

    /// <summary>The node's own account of itself; the epoch and sealing key in it are used from now on.</summary>
    public async Task<NodeInfo> InfoAsync(CancellationToken cancellation)
    {
        Message request = NewInfoRequest(identity, node.Text, clock);
        ReplyReader replies = new(request, node, null);
        NodeInfo? info = null;
        await foreach (ReadOnlyMemory<byte> line in SendInfoAsync(transport, request.Sign(identity), clock, cancellation))
        {
            info ??= ReadInfo(replies.Read(line.Span), node);
            if (replies.Ended)
                break;
        }
        replies.RequireEnd();
        byte[] key = SealingVoucher.Verify(node, info!.SealingKey)
            ?? throw new SpoofedReplyException("the node's sealing key is not vouched for by its identity");
        _channel = new NodeChannel(info.Epoch, key, info.Time, clock.GetTimestamp());
        return info;
    }

    /// <summary>One request, one answer.</summary>
    /// <exception cref="BusErrorException">What the node refused.</exception>
    /// <exception cref="SpoofedReplyException">Not the pinned node's answer, or not exactly one.</exception>
    public async Task<TReply> CallAsync<TBody, TReply>(Command<TBody, TReply> command, TBody body, CancellationToken cancellation)
        where TBody : class where TReply : class
    {
        TReply? reply = null;
        await foreach (TReply piece in AskAsync(command.Name, body, command.Body, command.Reply, cancellation))
            reply = reply is null ? piece : throw new SpoofedReplyException($"{command.Name} was answered twice");
        return reply ?? throw new SpoofedReplyException($"{command.Name} was answered with nothing");
    }

    /// <summary>One request of a command that has nothing to say but its name.</summary>
    /// <exception cref="BusErrorException">What the node refused.</exception>
    public Task<TReply> CallAsync<TReply>(Command<Nothing, TReply> command, CancellationToken cancellation) where TReply : class =>
        CallAsync(command, new Nothing(), cancellation);

    /// <summary>One request, answers as they come until the node ends the stream.</summary>
    /// <exception cref="BusErrorException">What the node refused, perhaps after some pieces.</exception>
    /// <exception cref="SpoofedReplyException">Not the pinned node's answer, a gap, or no end.</exception>
    public IAsyncEnumerable<TPiece> StreamAsync<TBody, TPiece>(StreamCommand<TBody, TPiece> command, TBody body, CancellationToken cancellation)
        where TBody : class where TPiece : class
        => AskAsync(command.Name, body, command.Body, command.Piece, cancellation);

    /// <summary>
    /// Opens a session of <paramref name="kind"/> (a name of <see cref="SessionKinds"/>) with a machine. It has <paramref name="channels"/> channels from its
    /// beginning, and nothing happens in the machine before its <see cref="Session.BeginAsync"/>.
    /// </summary>
    /// <exception cref="BusErrorException">What the node refused.</exception>
    /// <exception cref="SpoofedReplyException">Not the pinned node's answer to this opening.</exception>
    /// <exception cref="BusTransportException">The node cannot be reached, or knows no sessions.</exception>
    public async Task<Session> OpenSessionAsync(string kind, MachineName machine, int channels, CancellationToken cancellation)
    {
        ISessionTransport way = transport as ISessionTransport ?? throw new BusTransportException("this way to the node carries no sessions");
        for (int attempt = 0, dials = 1; ;)
        {
            await LearnAsync(cancellation);
            // Fresh keys and a fresh id each time: an opening that the node has seen is never sent again.
            using SessionKeyPair pair = new();
            using SealingKeyPair replyKey = SealingKeyPair.Generate();
            SessionOpen body = new() { Kind = kind, Deployment = machine.Deployment, Machine = machine.Machine, Key = Convert.ToBase64String(pair.PublicKey) };
            Message request = NewRequest(Commands.SessionOpen.Name, JsonSerializer.SerializeToElement(body, Commands.SessionOpen.Body), replyKey);
            request = request with { Expires = request.Issued + s_openingWindow };
            byte[] envelope = Seal(request);
            SessionAnswer answer;
            try
            {
                answer = await way.OpenAsync(envelope, cancellation);
            }
            catch (BusTransportException e) when (e.WasReset && dials < Dials)
            {
                dials++;
                await Task.Delay(s_dialAgainAfter, clock, cancellation);
                continue;
            }
            SessionCiphers? ciphers = null;
            try
            {
                ReplyReader replies = new(request, node, replyKey);
                Message reply = replies.Read(answer.Line.Span);
                replies.RequireEnd();
                if (reply.Error is null)
                    ciphers = Derive(pair, envelope, reply, replies.Payload, answer.Stream is not null);
                else if (attempt > 0 || reply.Error.Code is not (ErrorCodes.Stale or ErrorCodes.Expired))
                    throw new BusErrorException(reply.Error);
            }
            finally
            {
                if (ciphers is null && answer.Stream is not null)
                    await answer.Stream.DisposeAsync();
            }
            if (ciphers is not null)
                return new Session(answer.Stream!, ciphers, isClient: true, channels, clock);
            attempt++;
            _channel = null;
        }
    }

    private async IAsyncEnumerable<TReply> AskAsync<TBody, TReply>(string command, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TReply> replyType,
        [EnumeratorCancellation] CancellationToken cancellation) where TReply : class
    {
        JsonElement element = JsonSerializer.SerializeToElement(body, bodyType);
        for (int attempt = 0; ; attempt++)
        {
            await LearnAsync(cancellation);
            using SealingKeyPair replyKey = SealingKeyPair.Generate();
            Message request = NewRequest(command, element, replyKey);
            byte[] envelope = Seal(request);
            ReplyReader replies = new(request, node, replyKey);
            bool again = false;
            await foreach (ReadOnlyMemory<byte> line in transport.SendAsync(envelope, cancellation))
            {
                Message reply = replies.Read(line.Span);
                if (reply.Error is BusError error)
                {
                    // The node began another epoch, or its clock and ours drifted: learn both and try once more, never twice.
                    again = attempt == 0 && error.Code is ErrorCodes.Stale or ErrorCodes.Expired && replies.Count == 1;
                    if (!again)
                        throw new BusErrorException(error);
                    break;
                }
                if (reply.Body is JsonElement piece)
                    yield return Decode(command, piece, replyType);
                if (replies.Ended)
                    break;
            }
            if (!again)
            {
                replies.RequireEnd();
                yield break;
            }
            _channel = null;
        }
    }

    // Both ends bind their keys to what the other one signed, so both payloads are taken as they were on the wire.
    private static SessionCiphers Derive(SessionKeyPair pair, byte[] envelope, Message reply, ReadOnlySpan<byte> answer, bool switched)
    {
        JsonElement body = reply.Body ?? throw new SpoofedReplyException("the answer to an opening is empty");
        SessionOpened opened = Decode(Commands.SessionOpen.Name, body, Commands.SessionOpen.Reply);
        if (!switched)
            throw new SpoofedReplyException("the node says that it opened a session, and the connection is none");
        if (!Envelope.TryRead(envelope, out Envelope? opening))
            throw new InvalidOperationException("an envelope of ours cannot be read");
        return (CanonicalBase64.TryDecode(opened.Key, SessionKeyPair.Bytes, out byte[] key) ? pair.AsClient(key, opening.Payload, answer) : null)
            ?? throw new SpoofedReplyException("the node's key makes no session");
    }

    private async Task LearnAsync(CancellationToken cancellation)
    {
        if (_channel is null || clock.GetElapsedTime(_channel.LearntAt) > s_infoLife)
            await InfoAsync(cancellation);
    }

    private byte[] Seal(Message request) =>
        request.SealAndSign(identity, _channel!.SealingKey) ?? throw new SpoofedReplyException("nothing can be sealed to the node's key");

    private static TReply Decode<TReply>(string command, JsonElement piece, JsonTypeInfo<TReply> type) where TReply : class
    {
        try
        {
            return BodyReader.Read(piece, type);
        }
        catch (BusErrorException e)
        {
            throw new SpoofedReplyException(
                $"the node's answer to {command} is not in our words: {e.Message}; this zos and the node are of different versions");
        }
    }

    private static NodeInfo ReadInfo(Message reply, KeyId signer)
    {
        if (reply.Error is BusError error)
            throw new BusErrorException(error);
        NodeInfo info = Decode(Commands.NodeInfo.Name, reply.Body ?? default, Commands.NodeInfo.Reply);
        if (info.Id != signer.Text)
            throw new SpoofedReplyException($"{signer} says it is {info.Id}");
        return CanonicalBase64.TryDecode(info.Epoch, Message.EpochBytes, out _) ? info : throw new SpoofedReplyException("the node names no epoch");
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> SendInfoAsync(IBusTransport transport, byte[] envelope, TimeProvider clock,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (int dials = 1; ; dials++)
        {
            await using IAsyncEnumerator<ReadOnlyMemory<byte>> lines = transport.SendAsync(envelope, cancellation).GetAsyncEnumerator(cancellation);
            bool answered;
            try
            {
                answered = await lines.MoveNextAsync();
            }
            catch (BusTransportException e) when (e.WasReset && dials < Dials)
            {
                await Task.Delay(s_dialAgainAfter, clock, cancellation);
                continue;
            }
            for (; answered; answered = await lines.MoveNextAsync())
                yield return lines.Current;
            yield break;
        }
    }

    private static Message NewInfoRequest(IdentityKey identity, string to, TimeProvider clock)
    {
        DateTimeOffset now = clock.GetUtcNow();
        return new Message
        {
            Id = Guid.CreateVersion7(now),
            Kind = MessageKind.Request,
            From = identity.Id,
            To = to,
            Command = Commands.NodeInfo.Name,
            Issued = now,
            Expires = now + s_window,
        };
    }

    private Message NewRequest(string command, JsonElement body, SealingKeyPair replyKey)
    {
        DateTimeOffset now = _channel!.Time + clock.GetElapsedTime(_channel.LearntAt);
        return new Message
        {
            Id = Guid.CreateVersion7(now),
            Kind = MessageKind.Request,
            From = identity.Id,
            To = node.Text,
            Command = command,
            Epoch = _channel.Epoch,
            ReplyKey = Convert.ToBase64String(replyKey.PublicKey),
            Issued = now,
            Expires = now + s_window,
            Body = body,
        };
    }

    private sealed record NodeChannel(string Epoch, byte[] SealingKey, DateTimeOffset Time, long LearntAt);
}
