using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;

namespace ZeroOS.Bus.Client;

/// <summary>Believes the answers to one request, or throws: signed by the node and nobody else, for us, to this request, numbered without a gap.</summary>
internal sealed class ReplyReader(Message request, KeyId node, SealingKeyPair? replyKey)
{
    private Envelope? _last;

    /// <summary>Answers believed so far.</summary>
    public long Count { get; private set; }

    /// <summary>The last one was believed.</summary>
    public bool Ended { get; private set; }

    /// <summary>What was signed of the last answer that was believed, byte for byte.</summary>
    public ReadOnlySpan<byte> Payload => _last is null ? [] : _last.Payload;

    /// <summary>Checks and opens one answer.</summary>
    /// <exception cref="SpoofedReplyException">It is not what it should be.</exception>
    public Message Read(ReadOnlySpan<byte> line)
    {
        if (!Envelope.TryRead(line, out Envelope? envelope, maxSignatures: 1) || envelope.PayloadType != Message.PayloadType)
            throw new SpoofedReplyException("the answer is no signed message");
        if (!envelope.Sender.Equals(node))
            throw new SpoofedReplyException($"the answer is signed by {envelope.Sender}, not by the node {node}");
        if (!envelope.EverySignatureVerifies())
            throw new SpoofedReplyException("the answer's signature is false");
        if (!Message.TryRead(envelope, out Message? reply, Numbers.Any) || reply.Kind != MessageKind.Reply)
            throw new SpoofedReplyException("the answer is no reply");
        if (reply.To != request.From.Text || reply.InReplyTo != request.Id || reply.Command != request.Command)
            throw new SpoofedReplyException("the answer is to another question");
        if (Ended || reply.Seq != Count)
            throw new SpoofedReplyException($"piece {Count} of the answer is missing");
        if (replyKey is not null)
            reply = Open(reply, replyKey);
        Count++;
        _last = envelope;
        Ended = reply.End == true;
        return reply;
    }

    /// <summary>A stream that stops without its end was cut.</summary>
    /// <exception cref="UnfinishedReplyException">It was.</exception>
    public void RequireEnd()
    {
        if (!Ended)
            throw new UnfinishedReplyException("the answer broke off before its end");
    }

    private static Message Open(Message reply, SealingKeyPair key)
    {
        // In clear only the gate refuses, before it could know the reply key: a code and a sentence, nothing else.
        if (reply.Sealed is null)
            return reply is { Error: not null, Body: null, Seq: 0, End: true } ? reply : throw new SpoofedReplyException("the answer is not sealed");
        if (key.TryOpen(reply.Sealed) is not byte[] plain || !reply.TryUnseal(plain, out Message? opened, Numbers.Any))
            throw new SpoofedReplyException("what is sealed in the answer is not what is signed");
        return opened;
    }
}
