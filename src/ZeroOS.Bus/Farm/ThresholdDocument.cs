using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Bus.Farm;

/// <summary>
/// An order to one node that as many owners have signed as the farm's threshold says: a DSSE envelope with a payload type of its own, signed in clear at
/// leisure and carried by any owner's message. Signatures of others count for nothing.
/// </summary>
public static class ThresholdDocument
{
    /// <summary>Bytes of a document at most.</summary>
    public const int MaxBytes = 32 * 1024;

    /// <summary>How far ahead it may end.</summary>
    public static readonly TimeSpan MaxLife = TimeSpan.FromDays(7);

    // The clocks of people and nodes differ a little.
    private static readonly TimeSpan s_skew = TimeSpan.FromMinutes(1);

    /// <summary>Signs an order; it counts once enough owners have signed.</summary>
    public static byte[] Sign<T>(string payloadType, T order, JsonTypeInfo<T> type, params ReadOnlySpan<IdentityKey> owners) where T : class, IThresholdOrder =>
        Envelope.Sign(payloadType, JsonSerializer.SerializeToUtf8Bytes(order, type), owners);

    /// <summary>Adds a signature to a document that somebody else began.</summary>
    /// <exception cref="InvalidDataException">Not a document of that type, or full.</exception>
    public static byte[] AddSignature<T>(ReadOnlySpan<byte> document, string payloadType, JsonTypeInfo<T> type, IdentityKey owner)
        where T : class, IThresholdOrder
    {
        if (!TryOpen(document, payloadType, type, out Envelope? envelope, out _, out string? fault))
            throw new InvalidDataException($"not such an order: {fault}");
        return envelope.Signers.Count() < Envelope.MaxSignatures || envelope.Signers.Contains(owner.Id) ? envelope.AddSignature(owner)
            : throw new InvalidDataException($"it has {Envelope.MaxSignatures} signatures already");
    }

    /// <summary>The payload type that a document claims; null of what is no document.</summary>
    public static string? TypeOf(ReadOnlySpan<byte> document) =>
        document.Length <= MaxBytes && Envelope.TryRead(document, out Envelope? envelope) ? envelope.PayloadType : null;

    /// <summary>Who signed and what it says, for people to look at. Every signature that is there verifies; whether they are enough is not looked at.</summary>
    public static bool TryInspect<T>(ReadOnlySpan<byte> document, string payloadType, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? order,
        out IReadOnlyList<KeyId> signers,
        [NotNullWhen(false)] out string? fault) where T : class, IThresholdOrder
    {
        bool opened = TryOpen(document, payloadType, type, out Envelope? envelope, out order, out fault);
        signers = opened ? [.. envelope!.Signers] : [];
        return opened;
    }

    /// <summary>
    /// Reads and verifies an order to <paramref name="node"/>: form, every signature that is there, the farm's threshold of its owners among the signers, and
    /// its time. Never throws; the fault is a sentence. Whether it was carried out before is the caller's question.
    /// </summary>
    public static bool TryVerify<T>(ReadOnlySpan<byte> document, string payloadType, JsonTypeInfo<T> type, FarmSettings farm, KeyId node, DateTimeOffset now,
        [NotNullWhen(true)] out T? order, [NotNullWhen(false)] out ThresholdFault? fault) where T : class, IThresholdOrder
    {
        if (!TryOpen(document, payloadType, type, out Envelope? envelope, out order, out string? malformed))
            fault = new ThresholdFault(malformed, LacksSignatures: false);
        else if (order.Node != node.Text)
            fault = new ThresholdFault($"it is for node {order.Node}, this is {node}", LacksSignatures: false);
        else if (order.NotAfter <= now)
            fault = new ThresholdFault($"it ended at {order.NotAfter:yyyy-MM-dd HH:mm:ss} UTC", LacksSignatures: false);
        else if (order.NotAfter > now + MaxLife + s_skew)
            fault = new ThresholdFault(string.Create(CultureInfo.InvariantCulture,
                $"it ends more than {MaxLife.TotalDays} days from now"), LacksSignatures: false);
        else
            fault = envelope.Signers.Count(s => farm.Owners.Contains(s.Text)) is var signed && signed < farm.Threshold
                ? new ThresholdFault(string.Create(CultureInfo.InvariantCulture, $"{signed} of the farm's owners have signed it, {farm.Threshold} must"),
                    LacksSignatures: true) : null;
        if (fault is not null)
            order = null;
        return order is not null && fault is null;
    }

    private static bool TryOpen<T>(ReadOnlySpan<byte> document, string payloadType, JsonTypeInfo<T> type, [NotNullWhen(true)] out Envelope? envelope,
        [NotNullWhen(true)] out T? order,
        [NotNullWhen(false)] out string? fault) where T : class, IThresholdOrder
    {
        (envelope, order) = (null, null);
        if (document.Length > MaxBytes)
            fault = $"longer than {MaxBytes} bytes";
        else if (!Envelope.TryRead(document, out envelope))
            fault = "not a signed document, or a key signed it twice";
        else if (envelope.PayloadType != payloadType)
            fault = $"a document of another kind ({envelope.PayloadType})";
        else if (!envelope.EverySignatureVerifies())
            fault = "a signature is false";
        else if (!StrictJson.TryRead(envelope.Payload, type, out order, out JsonFault? reason))
            fault = reason.Path is null ? reason.Message : $"{reason.Message} at {reason.Path}";
        else
            fault = Guid.TryParseExact(order.Id, "D", out _) ? null : "id is not a UUID";
        if (fault is not null)
            (envelope, order) = (null, null);
        return envelope is not null && order is not null && fault is null;
    }
}
