using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Bus.Release;

/// <summary>A release manifest as a signed document: a DSSE envelope of its own payload type that M of N release keys have signed, each once.</summary>
public static partial class ReleaseDocument
{
    /// <summary>Bytes of a document at most.</summary>
    public const int MaxBytes = 32 * 1024;

    /// <summary>Signs a manifest; it counts once enough release keys have signed.</summary>
    public static byte[] Sign(ReleaseManifest manifest, params ReadOnlySpan<IdentityKey> keys) =>
        Envelope.Sign(ReleaseManifest.PayloadType, JsonSerializer.SerializeToUtf8Bytes(manifest, BusJson.Default.ReleaseManifest), keys);

    /// <summary>Adds a signature to a document somebody else began.</summary>
    /// <exception cref="InvalidDataException">Not a release document, or full.</exception>
    public static byte[] AddSignature(ReadOnlySpan<byte> document, IdentityKey key)
    {
        if (!TryOpen(document, out Envelope? envelope, out _, out string? fault))
            throw new InvalidDataException($"not a release: {fault}");
        return envelope.Signers.Count() < Envelope.MaxSignatures || envelope.Signers.Contains(key.Id) ? envelope.AddSignature(key)
            : throw new InvalidDataException($"it has {Envelope.MaxSignatures} signatures already");
    }

    /// <summary>
    /// Reads and verifies a document: form, bounds, every signature that is there, and that at least the threshold of <paramref name="keys"/> are among the
    /// signers. Signers that are none of the keys count for nothing. Never throws; the fault is a sentence.
    /// </summary>
    public static bool TryVerify(ReadOnlySpan<byte> document, ReleaseKeys keys, [NotNullWhen(true)] out ReleaseManifest? manifest,
        [NotNullWhen(false)] out string? fault)
    {
        manifest = null;
        if (keys.Keys.Count == 0)
        {
            fault = "the running image names no release keys: it takes no updates";
            return false;
        }
        if (!TryOpen(document, out Envelope? envelope, out manifest, out fault))
            return false;
        int signed = envelope.Signers.Count(keys.Keys.Contains);
        fault = signed >= keys.Threshold ? null
            : string.Create(CultureInfo.InvariantCulture,
                $"{signed} of the {keys.Keys.Count} release keys have signed, {keys.Threshold} must (zos release sign)");
        if (fault is not null)
            manifest = null;
        return fault is null;
    }

    /// <summary>Who signed and what it says, whoever that was: for people to look at. Every signature that is there verifies.</summary>
    public static bool TryInspect(ReadOnlySpan<byte> document, [NotNullWhen(true)] out ReleaseManifest? manifest, out IReadOnlyList<KeyId> signers,
        [NotNullWhen(false)] out string? fault)
    {
        bool opened = TryOpen(document, out Envelope? envelope, out manifest, out fault);
        signers = opened ? [.. envelope!.Signers] : [];
        return opened;
    }

    /// <summary>Three numbers of at most 65535 without leading zeros: the only spelling a version has.</summary>
    public static bool TryParseVersion(string text, [NotNullWhen(true)] out Version? version)
    {
        version = null;
        if (!VersionPattern().IsMatch(text))
            return false;
        int[] part = [.. text.Split('.').Select(p => int.Parse(p, CultureInfo.InvariantCulture))];
        if (part.Any(p => p > ushort.MaxValue))
            return false;
        version = new Version(part[0], part[1], part[2]);
        return true;
    }

    /// <summary>Whether a channel may be called that: 1 to 32 of a-z, 0-9 and '-'.</summary>
    public static bool IsChannel(string text) => ChannelPattern().IsMatch(text);

    private static bool TryOpen(ReadOnlySpan<byte> document, [NotNullWhen(true)] out Envelope? envelope, [NotNullWhen(true)] out ReleaseManifest? manifest,
        [NotNullWhen(false)] out string? fault)
    {
        (envelope, manifest) = (null, null);
        if (document.Length > MaxBytes)
            fault = $"longer than {MaxBytes} bytes";
        else if (!Envelope.TryRead(document, out envelope))
            fault = "not a signed document, or a key signed it twice";
        else if (envelope.PayloadType != ReleaseManifest.PayloadType)
            fault = $"a document of another kind ({envelope.PayloadType})";
        else if (!envelope.EverySignatureVerifies())
            fault = "a signature is false";
        else if (!StrictJson.TryRead(envelope.Payload, BusJson.Default.ReleaseManifest, out manifest, out JsonFault? reason))
            fault = reason.Path is null ? reason.Message : $"{reason.Message} at {reason.Path}";
        else
            fault = Check(manifest);
        if (fault is not null)
            (envelope, manifest) = (null, null);
        return envelope is not null && manifest is not null && fault is null;
    }

    private static string? Check(ReleaseManifest manifest)
    {
        if (!TryParseVersion(manifest.Version, out Version? version))
            return "version is three numbers such as 1.2.3";
        if (!TryParseVersion(manifest.MinimumVersion, out Version? minimum))
            return "minimumVersion is three numbers such as 1.2.3";
        if (minimum >= version)
            return "minimumVersion is not below version";
        if (!IsChannel(manifest.Channel))
            return "channel is 1 to 32 of a-z, 0-9 and '-'";
        if (!DigestPattern().IsMatch(manifest.ImageDigest))
            return "imageDigest is not sha256: and 64 hex digits";
        if (!DigestPattern().IsMatch(manifest.Efi.Digest))
            return "efi.digest is not sha256: and 64 hex digits";
        if (manifest.Efi.Size is < 1 or > ReleaseManifest.MaxEfiBytes)
            return $"efi.size is 1 to {ReleaseManifest.MaxEfiBytes} bytes";
        if (!ImagePattern().IsMatch(manifest.Image) || manifest.Image.Length > 255)
            return "image is REGISTRY/NAME, without a tag";
        if (manifest.Measurements is { } measurements && !DigestPattern().IsMatch(measurements))
            return "measurements is not sha256: and 64 hex digits";
        return manifest.HealthSeconds is < ReleaseManifest.MinHealthSeconds or > ReleaseManifest.MaxHealthSeconds
            ? $"healthSeconds is {ReleaseManifest.MinHealthSeconds} to {ReleaseManifest.MaxHealthSeconds}" : null;
    }

    [GeneratedRegex(@"\A(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})\z")]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9-]{0,31}\z")]
    private static partial Regex ChannelPattern();

    [GeneratedRegex(@"\Asha256:[0-9a-f]{64}\z")]
    private static partial Regex DigestPattern();

    [GeneratedRegex(@"\A[a-zA-Z0-9.:-]+/[a-z0-9]+([._/-]+[a-z0-9]+)*\z")]
    private static partial Regex ImagePattern();
}
