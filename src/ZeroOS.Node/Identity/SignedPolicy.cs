using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Node.Identity;

/// <summary>
/// Which values of PCR 11 the image's maker has signed, and with which key: what the image's EFI stub put beside its initramfs. Files of the boot medium:
/// bounded and checked.
/// </summary>
internal sealed class SignedPolicy
{
    private const int MaxBytes = 64 * 1024;

    private readonly PcrSignatures _signatures;

    private SignedPolicy(byte[] key, PcrSignatures signatures) => (Key, _signatures) = (key, signatures);

    /// <summary>The image's key, DER SubjectPublicKeyInfo: what new seals are bound to.</summary>
    public byte[] Key { get; }

    /// <summary>That of this start.</summary>
    /// <exception cref="SealException">The image is not signed, or what came with it makes no sense.</exception>
    public static SignedPolicy Read(string keyPath = PcrSignatures.PublicKeyPath, string signaturesPath = PcrSignatures.Path)
    {
        if (!File.Exists(keyPath) || !File.Exists(signaturesPath))
            throw NotSigned("the image carries no signed policy, or was not started through its EFI stub");
        if (new FileInfo(keyPath).Length > MaxBytes || new FileInfo(signaturesPath).Length > MaxBytes)
            throw NotSigned("the image's signed policy is larger than one can be");
        return Parse(File.ReadAllBytes(keyPath), File.ReadAllBytes(signaturesPath));
    }

    /// <summary>That of an image that is not started yet, from its EFI file.</summary>
    /// <exception cref="SealException">The image is not signed, or its policy makes no sense.</exception>
    /// <exception cref="InvalidDataException">Not an image that the stub could start.</exception>
    public static SignedPolicy Of(ReadOnlyMemory<byte> efi)
    {
        ReadOnlyMemory<byte> key = UnifiedKernelImage.Section(efi, ".pcrpkey"), signatures = UnifiedKernelImage.Section(efi, ".pcrsig");
        if (key.IsEmpty || signatures.IsEmpty)
            throw NotSigned("the image carries no signed policy");
        return key.Length <= MaxBytes && signatures.Length <= MaxBytes
            ? Parse(key.Span, signatures.Span) : throw NotSigned("the image's signed policy is larger than one can be");
    }

    private static SignedPolicy Parse(ReadOnlySpan<byte> keyPem, ReadOnlySpan<byte> signaturesJson)
    {
        try
        {
            using RSA key = RSA.Create();
            key.ImportFromPem(Encoding.UTF8.GetString(keyPem));
            PcrSignatures signatures = JsonSerializer.Deserialize(signaturesJson, ReleaseJson.Default.PcrSignatures) ?? throw new JsonException("null");
            return new SignedPolicy(key.ExportSubjectPublicKeyInfo(), signatures);
        }
        catch (Exception e) when (e is JsonException or CryptographicException or ArgumentException)
        {
            throw NotSigned($"the image's signed policy cannot be read: {e.Message}");
        }
    }

    /// <summary>The signature of <paramref name="key"/> (DER) over the policy with that digest, or null.</summary>
    public byte[]? Find(ReadOnlySpan<byte> key, ReadOnlySpan<byte> policyDigest)
    {
        string fingerprint = Fingerprint(key), policy = Convert.ToHexStringLower(policyDigest);
        string? found = _signatures.Sha256.FirstOrDefault(s => s.Pcrs is [IdentityTpm.ImagePcr] && s.Policy.Equals(policy, StringComparison.OrdinalIgnoreCase)
            && s.KeyFingerprint.Equals(fingerprint, StringComparison.OrdinalIgnoreCase))?.Signature;
        byte[] signature = new byte[(found?.Length ?? 0) / 4 * 3];
        return found is not null && Convert.TryFromBase64String(found, signature, out int bytes) ? signature[..bytes] : null;
    }

    // The form a seal keeps a key in is not the one .pcrsig names it by.
    private static string Fingerprint(ReadOnlySpan<byte> key)
    {
        try
        {
            using RSA rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(key, out _);
            return PcrSignature.FingerprintOf(rsa);
        }
        catch (CryptographicException e)
        {
            throw NotSigned($"the key that sealed the identity cannot be read: {e.Message}");
        }
    }

    internal static SealException NotSigned(string message) => new("image-not-signed", message);
}
