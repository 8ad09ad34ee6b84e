using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Messages;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Serving;

/// <summary>The signed answers to one request: numbered from 0 without gaps, the last one marked. Every one carries the node's epoch and time.</summary>
public sealed class Replies(IdentityKey self, EpochClock clock, Message request, bool seal)
{
    private readonly byte[]? _replyKey = seal ? Convert.FromBase64String(request.ReplyKey!) : null;
    private long _next;

    /// <summary>One piece of the answer, or all of it.</summary>
    public byte[] Piece(JsonElement body, bool end) => Make(null, body, end);

    /// <summary>The end of a stream that went well.</summary>
    public byte[] End() => Make(null, null, end: true);

    /// <summary>The end, with what went wrong.</summary>
    public byte[] Refuse(BusError error) => Make(error, null, end: true);

    private byte[] Make(BusError? error, JsonElement? body, bool end)
    {
        (string epoch, DateTimeOffset now) = clock.Read();
        Message reply = new()
        {
            Id = Guid.CreateVersion7(now),
            Kind = MessageKind.Reply,
            From = self.Id,
            To = request.From.Text,
            Command = request.Command,
            Epoch = epoch,
            Issued = now,
            Expires = now + Gate.MaxWindow,
            InReplyTo = request.Id,
            Seq = _next++,
            End = end,
            Error = error,
            Body = body,
        };
        if (_replyKey is null)
            return reply.Sign(self);
        return reply.SealAndSign(self, _replyKey) ?? throw new InvalidOperationException("the gate admitted a reply key that nothing can be sealed to");
    }
}
