using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Messages;

/// <summary>Request, reply or event.</summary>
public enum MessageKind
{
    /// <summary>Asks; the only kind that is answered.</summary>
    Request,

    /// <summary>Answers one request, in one or more numbered pieces.</summary>
    Reply,

    /// <summary>Tells unasked.</summary>
    Event,
}

/// <summary>One message: who, to whom, what, when. Every field has been checked for its form; whether it may do anything is the gate's to say.</summary>
public sealed record Message
{
    /// <summary>The payload type of a message's envelope.</summary>
    public const string PayloadType = "application/vnd.zeroos.message.v1+json";

    /// <summary>Whom node.info may be addressed to when the node's id is not known yet.</summary>
    public const string Anyone = "*";

    /// <summary>Bytes of an epoch.</summary>
    public const int EpochBytes = 16;

    /// <summary>UUID, version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>Which kind.</summary>
    public required MessageKind Kind { get; init; }

    /// <summary>Who sends it; equal to the envelope's first signer.</summary>
    public required KeyId From { get; init; }

    /// <summary>Key id of the receiver, or <see cref="Anyone"/>.</summary>
    public required string To { get; init; }

    /// <summary>Which command, "zos.deployment.apply".</summary>
    public required string Command { get; init; }

    /// <summary>The node's epoch, base64 of 16 bytes; absent only in requests for node.info.</summary>
    public string? Epoch { get; init; }

    /// <summary>X25519 key, base64, that replies are sealed to.</summary>
    public string? ReplyKey { get; init; }

    /// <summary>When it was made, by the node's clock.</summary>
    public required DateTimeOffset Issued { get; init; }

    /// <summary>When it stops counting.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>The request a reply answers.</summary>
    public Guid? InReplyTo { get; init; }

    /// <summary>Number of a reply's piece, from 0 without gaps.</summary>
    public long? Seq { get; init; }

    /// <summary>The last piece.</summary>
    public bool? End { get; init; }

    /// <summary>Why it was refused.</summary>
    public BusError? Error { get; init; }

    /// <summary>Ciphertext.</summary>
    public byte[]? Sealed { get; init; }

    /// <summary>Content in clear, or, after <see cref="TryUnseal"/>, what was sealed.</summary>
    public JsonElement? Body { get; init; }

    /// <summary>Reads the message of a verified envelope; false unless every field has its form and the sender is the first signer. Never throws.</summary>
    public static bool TryRead(Envelope envelope, [NotNullWhen(true)] out Message? message, Numbers numbers = Numbers.Integers)
    {
        message = null;
        return envelope.PayloadType == PayloadType && TryRead(envelope.Payload, envelope.Sender, out message, numbers);
    }

    internal static bool TryRead(ReadOnlySpan<byte> payload, KeyId sender, [NotNullWhen(true)] out Message? message, Numbers numbers = Numbers.Integers)
    {
        message = null;
        if (!StrictJson.TryRead(payload, MessageJson.Default.WireMessage, out WireMessage? wire, out _, numbers))
            return false;
        byte[]? cipher = null;
        bool fits = TryReadId(wire.Id, out Guid id)
            & TryReadKind(wire.Kind, out MessageKind kind)
            & (wire.Sealed is null || CanonicalBase64.TryDecode(wire.Sealed, out cipher))
            & (wire.Epoch is null || CanonicalBase64.TryDecode(wire.Epoch, EpochBytes, out _))
            & (wire.ReplyKey is null || CanonicalBase64.TryDecode(wire.ReplyKey, Crypto.KeyBytes, out _));
        Guid inReplyTo = default;
        fits = fits
            && wire.From == sender.Text
            && (wire.To == Anyone || Base58.TryDecode(wire.To, stackalloc byte[Crypto.KeyBytes]))
            && wire.Command.Length is > 0 and <= 64
            && (wire.InReplyTo is null || TryReadId(wire.InReplyTo, out inReplyTo))
            && wire.Seq is null or >= 0
            && !(wire.Sealed is not null && (wire.Body is not null || wire.Error is not null));
        if (!fits)
            return false;
        message = new Message
        {
            Id = id,
            Kind = kind,
            From = sender,
            To = wire.To,
            Command = wire.Command,
            Epoch = wire.Epoch,
            ReplyKey = wire.ReplyKey,
            Issued = wire.Issued,
            Expires = wire.Expires,
            InReplyTo = wire.InReplyTo is null ? null : inReplyTo,
            Seq = wire.Seq,
            End = wire.End,
            Error = wire.Error,
            Sealed = cipher,
            Body = wire.Body,
        };
        return true;
    }

    /// <summary>Signs the message as <paramref name="sender"/>, who must be <see cref="From"/>; content goes in clear.</summary>
    public byte[] Sign(IdentityKey sender) => Sign(sender, null, this);

    /// <summary>Seals error and body to <paramref name="recipient"/> with the header repeated inside, signs, and returns the envelope; null when nothing can be
    /// sealed to that key.</summary>
    public byte[]? SealAndSign(IdentityKey sender, ReadOnlySpan<byte> recipient)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(Inside(), MessageJson.Default.WireSealed);
        return Crypto.TrySeal(recipient, plain) is byte[] cipher ? Sign(sender, cipher, this with { Error = null, Body = null }) : null;
    }

    /// <summary>
    /// Reads what <see cref="Sealed"/> held: false unless every header field inside equals the signed one [somebody else's ciphertext in one's own message].
    /// </summary>
    public bool TryUnseal(ReadOnlySpan<byte> plaintext, [NotNullWhen(true)] out Message? opened, Numbers numbers = Numbers.Integers)
    {
        opened = null;
        if (!StrictJson.TryRead(plaintext, MessageJson.Default.WireSealed, out WireSealed? inside, out _, numbers))
            return false;
        if (inside with { Error = null, Body = null } != Inside() with { Error = null, Body = null })
            return false;
        opened = this with { Sealed = null, Error = inside.Error, Body = inside.Body };
        return true;
    }

    private static byte[] Sign(IdentityKey sender, byte[]? cipher, Message message)
    {
        WireMessage wire = new()
        {
            Id = message.Id.ToString("D"),
            Kind = KindName(message.Kind),
            From = message.From.Text,
            To = message.To,
            Command = message.Command,
            Epoch = message.Epoch,
            ReplyKey = message.ReplyKey,
            Issued = message.Issued,
            Expires = message.Expires,
            InReplyTo = message.InReplyTo?.ToString("D"),
            Seq = message.Seq,
            End = message.End,
            Error = message.Error,
            Sealed = cipher is null ? null : Convert.ToBase64String(cipher),
            Body = message.Body,
        };
        return Envelope.Sign(PayloadType, JsonSerializer.SerializeToUtf8Bytes(wire, MessageJson.Default.WireMessage), sender);
    }

    private WireSealed Inside() => new()
    {
        Id = Id.ToString("D"),
        Kind = KindName(Kind),
        From = From.Text,
        To = To,
        Command = Command,
        Epoch = Epoch,
        ReplyKey = ReplyKey,
        InReplyTo = InReplyTo?.ToString("D"),
        Seq = Seq,
        End = End,
        Error = Error,
        Body = Body,
    };

    private static bool TryReadId(string text, out Guid id) => Guid.TryParseExact(text, "D", out id) && id.Version == 7 && id.ToString("D") == text;

    private static bool TryReadKind(string text, out MessageKind kind)
    {
        kind = text switch { "reply" => MessageKind.Reply, "event" => MessageKind.Event, _ => MessageKind.Request };
        return KindName(kind) == text;
    }

    private static string KindName(MessageKind kind) => kind switch { MessageKind.Request => "request", MessageKind.Reply => "reply", _ => "event" };
}
