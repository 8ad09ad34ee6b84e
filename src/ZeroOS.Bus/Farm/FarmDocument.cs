using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Release;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Bus.Farm;

/// <summary>
/// Farm settings as a signed document: a DSSE envelope of their own payload type, signed by every owner it lists. Others may have signed too: owners of the
/// version before, the recovery key.
/// </summary>
public static class FarmDocument
{
    /// <summary>Bytes of a document at most.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>Owners at most.</summary>
    public const int MaxOwners = Envelope.MaxSignatures;

    /// <summary>Signs settings; complete once every listed owner has signed.</summary>
    public static byte[] Sign(FarmSettings settings, params ReadOnlySpan<IdentityKey> owners) =>
        Envelope.Sign(FarmSettings.PayloadType, JsonSerializer.SerializeToUtf8Bytes(settings, BusJson.Default.FarmSettings), owners);

    /// <summary>Adds an owner's signature to a document another owner began.</summary>
    /// <exception cref="InvalidDataException">Not a document, or the key is neither one of its owners nor its recovery key, and <paramref name="former"/> does
    /// not say that it was an owner's before.</exception>
    public static byte[] AddSignature(ReadOnlySpan<byte> document, IdentityKey owner, bool former = false)
    {
        if (!TryOpen(document, out Envelope? envelope, out FarmSettings? settings, out string? fault))
            throw new InvalidDataException($"not farm settings: {fault}");
        if (!former && !settings.Owners.Contains(owner.Id.Text) && settings.RecoverySigningKey != owner.Id.Text)
            throw new InvalidDataException($"{owner.Id} is not an owner of that farm");
        return envelope.AddSignature(owner);
    }

    /// <summary>Reads and verifies a document: form, bounds, and the signature of every owner it lists. Never throws; the fault is a sentence.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> document, [NotNullWhen(true)] out FarmSettings? settings, [NotNullWhen(false)] out string? fault)
    {
        bool good = TryVerifyWithSigners(document, out VerifiedFarm? farm, out fault);
        settings = farm?.Settings;
        return good;
    }

    /// <summary>As <see cref="TryVerify"/>, with who signed.</summary>
    public static bool TryVerifyWithSigners(ReadOnlySpan<byte> document, [NotNullWhen(true)] out VerifiedFarm? farm, [NotNullWhen(false)] out string? fault)
    {
        farm = null;
        if (!TryOpen(document, out Envelope? envelope, out FarmSettings? settings, out fault))
            return false;
        List<string> signers = [.. envelope.Signers.Select(s => s.Text)];
        fault = settings.Owners.FirstOrDefault(o => !signers.Contains(o)) is string missing ? $"owner {missing} has not signed (zos farm sign)" : null;
        if (fault is null)
            farm = new VerifiedFarm(settings, document.ToArray(), envelope.Payload.ToArray(), signers);
        return fault is null;
    }

    /// <summary>Who signed and what it says, complete or not: for people to look at. Every signature that is there verifies.</summary>
    public static bool TryInspect(ReadOnlySpan<byte> document, [NotNullWhen(true)] out FarmSettings? settings, out IReadOnlyList<string> signers,
        [NotNullWhen(false)] out string? fault)
    {
        bool opened = TryOpen(document, out Envelope? envelope, out settings, out fault);
        signers = opened ? [.. envelope!.Signers.Select(s => s.Text)] : [];
        return opened;
    }

    private static bool TryOpen(ReadOnlySpan<byte> document, [NotNullWhen(true)] out Envelope? envelope, [NotNullWhen(true)] out FarmSettings? settings,
        [NotNullWhen(false)] out string? fault)
    {
        (envelope, settings) = (null, null);
        if (document.Length > MaxBytes)
            fault = $"longer than {MaxBytes} bytes";
        else if (!Envelope.TryRead(document, out envelope))
            fault = "not a signed document";
        else if (envelope.PayloadType != FarmSettings.PayloadType)
            fault = $"a document of another kind ({envelope.PayloadType})";
        else if (!envelope.EverySignatureVerifies())
            fault = "a signature is false";
        else if (!StrictJson.TryRead(envelope.Payload, BusJson.Default.FarmSettings, out settings, out JsonFault? reason))
            fault = reason.Path is null ? reason.Message : $"{reason.Message} at {reason.Path}";
        else
            fault = Check(settings);
        if (fault is not null)
            (envelope, settings) = (null, null);
        return envelope is not null && settings is not null && fault is null;
    }

    private static string? Check(FarmSettings settings)
    {
        if (!Guid.TryParseExact(settings.FarmId, "D", out _))
            return "farmId is not a UUID";
        if (settings.Version < 1)
            return "version is below 1";
        if (settings.RecoveryGeneration < 0)
            return "recoveryGeneration is below 0";
        if (settings.Name.Length is 0 or > 64)
            return "name has 1 to 64 characters";
        if (settings.Owners.Count is 0 or > MaxOwners || settings.Owners.Distinct(StringComparer.Ordinal).Count() != settings.Owners.Count)
            return $"owners are 1 to {MaxOwners}, each once";
        if (settings.Owners.FirstOrDefault(o => !KeyId.TryParse(o, out _)) is string odd)
            return $"owner \"{odd}\" is not a key id";
        if (settings.Threshold < 1 || settings.Threshold > settings.Owners.Count)
            return "threshold is between 1 and the number of owners";
        if (!KeyId.TryParse(settings.RecoverySigningKey, out _))
            return "recoverySigningKey is not a key id";
        if (!CanonicalBase64.TryDecode(settings.RecoveryEncryptionKey, Crypto.KeyBytes, out _))
            return "recoveryEncryptionKey is not 32 bytes of base64";
        if (settings.TimeServers.Count > 8 || settings.TimeServers.Any(t => t.Length is 0 or > 253))
            return "timeServers are at most 8 names";
        if (settings.Channel is { } channel && !ReleaseDocument.IsChannel(channel))
            return "channel is 1 to 32 of a-z, 0-9 and '-'";
        return CheckRegistries(settings.Registries);
    }

    private static string? CheckRegistries(IReadOnlyDictionary<string, FarmRegistry> registries)
    {
        if (registries.Count > 64)
            return "registries are at most 64";
        foreach ((string name, FarmRegistry registry) in registries)
        {
            if (name.Length is 0 or > 253 || name.Contains('/', StringComparison.Ordinal))
                return $"registry name \"{name}\" is 1 to 253 characters without a slash";
            if (!Uri.TryCreate(registry.Url, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0
                || url.PathAndQuery != "/" || url.Fragment.Length > 0)
                return $"registry \"{name}\" needs a URL such as https://registry.example, without path or password";
            if (url.Scheme == "http" && !registry.PlainHttp)
                return $"registry \"{name}\" is plain HTTP, which the settings must allow with plainHttp";
        }
        return null;
    }
}
