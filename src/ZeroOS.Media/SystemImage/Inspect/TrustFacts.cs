using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Pe;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Media.SystemImage.Inspect;

/// <summary>By what firmware, TPM and verifiers will know an EFI file; computed from the file, whatever was written beside it.</summary>
/// <param name="Authenticode">What firmware extends PCR 4 with, hex.</param>
/// <param name="KernelAuthenticode">The same of the kernel inside.</param>
/// <param name="Pcr11">PCR 11 once the stub has run, hex.</param>
/// <param name="PcrSigningKey">The key of the signed policy, as in measurements.json; null without one.</param>
/// <param name="PcrPolicyHolds">Whether that policy is about this PCR 11 and signed by that key; null without one.</param>
/// <param name="Signatures">Secure Boot signatures.</param>
internal sealed record TrustFacts(string Authenticode, string KernelAuthenticode, string Pcr11, string? PcrSigningKey, bool? PcrPolicyHolds,
    IReadOnlyList<SignatureFacts> Signatures)
{
    /// <summary>Looks at a file.</summary>
    /// <exception cref="InvalidDataException">One that the stub could not start, or whose signature is broken.</exception>
    public static TrustFacts Read(ReadOnlyMemory<byte> efi)
    {
        Measurements measured = BootImage.Measure(efi.ToArray(), "", "").Measurements;
        return new TrustFacts(measured.Efi.Authenticode, measured.Linux.Authenticode, measured.Pcr11, measured.PcrSigningKey, PolicyHolds(efi),
            [.. Formats.Pe.Authenticode.Signatures(efi.Span)
                .Select(s => new SignatureFacts(NameOf(s.Subject.Span), Convert.ToHexStringLower(SHA256.HashData(s.Certificate.Span)), s.IsValid))]);
    }

    private static bool? PolicyHolds(ReadOnlyMemory<byte> efi)
    {
        ReadOnlyMemory<byte> policies = UnifiedKernelImage.Section(efi, ".pcrsig"), pem = UnifiedKernelImage.Section(efi, ".pcrpkey");
        if (policies.IsEmpty)
            return null;
        try
        {
            byte[] expected = KernelImagePcr.PolicyDigest(KernelImagePcr.Predict(efi));
            using RSA key = RSA.Create();
            key.ImportFromPem(Encoding.ASCII.GetString(pem.Span));
            return JsonSerializer.Deserialize(policies.Span, ReleaseJson.Default.PcrSignatures)?.Sha256.Any(s => s.Pcrs is [KernelImagePcr.Index]
                && s.Policy == Convert.ToHexStringLower(expected) && s.KeyFingerprint == PcrSignature.FingerprintOf(key)
                && key.VerifyData(expected, Convert.FromBase64String(s.Signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)) ?? false;
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException or CryptographicException)
        {
            return false;
        }
    }

    private static string NameOf(ReadOnlySpan<byte> subject)
    {
        try
        {
            return new X500DistinguishedName(subject).Name;
        }
        catch (CryptographicException)
        {
            return "somebody whose name cannot be read";
        }
    }
}

/// <summary>A Secure Boot signature.</summary>
/// <param name="By">The certificate's subject.</param>
/// <param name="Certificate">SHA-256 of the certificate, hex.</param>
/// <param name="Valid">Whether it is a signature of this file by that certificate's key; whether to trust it, firmware knows.</param>
internal sealed record SignatureFacts(string By, string Certificate, bool Valid);
