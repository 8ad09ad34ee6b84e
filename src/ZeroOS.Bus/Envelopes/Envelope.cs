using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Envelopes;

/// <summary>
/// Signed bytes and their type: DSSE v1 in JSON. Read first, verified over the exact bytes, and only then is the payload looked at. Reading proves
/// nothing about the signatures; <see cref="EverySignatureVerifies"/> does.
/// </summary>
public sealed class Envelope
{
    /// <summary>Signatures at most: an M-of-N document is signed by people.</summary>
    public const int MaxSignatures = 16;

    private readonly byte[] _payload;
    private readonly (KeyId Key, byte[] Signature)[] _signatures;

    private Envelope(string type, byte[] payload, (KeyId, byte[])[] signatures) => (PayloadType, _payload, _signatures) = (type, payload, signatures);

    /// <summary>What the payload is; part of what is signed.</summary>
    public string PayloadType { get; }

    /// <summary>The signed bytes.</summary>
    public ReadOnlySpan<byte> Payload => _payload;

    /// <summary>Who signed first: the sender of a message. A claim until the signatures are verified.</summary>
    public KeyId Sender => _signatures[0].Key;

    /// <summary>Everybody who signed, distinct. A claim until the signatures are verified.</summary>
    public IEnumerable<KeyId> Signers => _signatures.Select(s => s.Key);

    /// <summary>
    /// Decodes an envelope: strict JSON, canonical base64, sound keys, at least one signature and at most <paramref name="maxSignatures"/>, no key twice. Never
    /// throws. A key costs arithmetic on the curve, so their number is looked at first.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out Envelope? envelope, int maxSignatures = MaxSignatures)
    {
        envelope = null;
        if (!StrictJson.TryRead(utf8, EnvelopeJson.Default.WireEnvelope, out WireEnvelope? wire, out _))
            return false;
        if (wire.PayloadType.Length is 0 or > 128 || wire.Signatures.Count == 0 || wire.Signatures.Count > maxSignatures
            || !CanonicalBase64.TryDecode(wire.Payload, out byte[] payload))
            return false;
        HashSet<KeyId> seen = [];
        (KeyId, byte[])[] signatures = new (KeyId, byte[])[wire.Signatures.Count];
        for (int i = 0; i < signatures.Length; i++)
        {
            if (!KeyId.TryParse(wire.Signatures[i].KeyId, out KeyId? key) || !seen.Add(key)
                || !CanonicalBase64.TryDecode(wire.Signatures[i].Sig, Crypto.SignatureBytes, out byte[] signature))
                return false;
            signatures[i] = (key, signature);
        }
        envelope = new Envelope(wire.PayloadType, payload, signatures);
        return true;
    }

    /// <summary>
    /// Decodes and verifies an envelope of <paramref name="payloadType"/> with exactly one signature, which is good and of the key that
    /// <paramref name="sender"/> names. What <see cref="EnvelopePeek"/> found is only then the sender's. Never throws.
    /// </summary>
    public static bool TryReadSigned(ReadOnlySpan<byte> utf8, string payloadType, string sender, [NotNullWhen(true)] out Envelope? envelope) =>
        TryRead(utf8, out envelope, maxSignatures: 1) && envelope.PayloadType == payloadType && envelope.Sender.Text == sender
        && envelope.EverySignatureVerifies();

    /// <summary>Signs the payload by every key, the sender's first, and returns the envelope's JSON.</summary>
    public static byte[] Sign(string payloadType, ReadOnlySpan<byte> payload, params ReadOnlySpan<IdentityKey> keys)
    {
        byte[] statement = PreAuthenticationEncoding(payloadType, payload);
        WireSignature[] signatures = new WireSignature[keys.Length];
        for (int i = 0; i < keys.Length; i++)
            signatures[i] = new WireSignature { KeyId = keys[i].Id.Text, Sig = Convert.ToBase64String(keys[i].Sign(statement)) };
        return Write(payloadType, payload, signatures);
    }

    /// <summary>This envelope with one more signature; the payload's bytes stay as they are.</summary>
    public byte[] AddSignature(IdentityKey key) => Write(PayloadType, _payload,
    [
        .. _signatures.Where(s => !s.Key.Equals(key.Id)).Select(s => new WireSignature { KeyId = s.Key.Text, Sig = Convert.ToBase64String(s.Signature) }),
        new WireSignature { KeyId = key.Id.Text, Sig = Convert.ToBase64String(key.Sign(PreAuthenticationEncoding(PayloadType, _payload))) },
    ]);

    /// <summary>Whether every listed signature is good. One bad one spoils the envelope; none at all is no envelope.</summary>
    public bool EverySignatureVerifies()
    {
        byte[] statement = PreAuthenticationEncoding(PayloadType, _payload);
        return Array.TrueForAll(_signatures, s => s.Key.Verifies(statement, s.Signature));
    }

    /// <summary>DSSE v1's PAE: "DSSEv1" SP len(type) SP type SP len(payload) SP payload, lengths in bytes, decimal.</summary>
    public static byte[] PreAuthenticationEncoding(string payloadType, ReadOnlySpan<byte> payload)
    {
        byte[] type = Encoding.UTF8.GetBytes(payloadType);
        string head = string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {type.Length} ");
        string middle = string.Create(CultureInfo.InvariantCulture, $" {payload.Length} ");
        return [.. Encoding.ASCII.GetBytes(head), .. type, .. Encoding.ASCII.GetBytes(middle), .. payload];
    }

    private static byte[] Write(string payloadType, ReadOnlySpan<byte> payload, IReadOnlyList<WireSignature> signatures) => JsonSerializer.SerializeToUtf8Bytes(
        new WireEnvelope { PayloadType = payloadType, Payload = Convert.ToBase64String(payload), Signatures = signatures }, EnvelopeJson.Default.WireEnvelope);
}
