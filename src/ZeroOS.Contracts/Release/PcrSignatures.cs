using System.Security.Cryptography;
using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Release;

/// <summary>
/// The content of the PE section .pcrsig, which systemd-stub hands over as /.extra/tpm2-pcr-signature.json: policies for PCR values, signed by whoever made the
/// image (systemd-measure(1)). The section is not measured itself, for it says what the measurement will be.
/// </summary>
public sealed record PcrSignatures
{
    /// <summary>Where the node finds it.</summary>
    public const string Path = "/.extra/tpm2-pcr-signature.json";

    /// <summary>Where the node finds the PEM key that signed it, the content of the section .pcrpkey.</summary>
    public const string PublicKeyPath = "/.extra/tpm2-pcr-public-key.pem";

    /// <summary>Policies over PCRs of the sha256 bank.</summary>
    public required IReadOnlyList<PcrSignature> Sha256 { get; init; }
}

/// <summary>One signed policy.</summary>
public sealed record PcrSignature
{
    /// <summary>The PCRs the policy is about; always 11 alone here.</summary>
    public required IReadOnlyList<int> Pcrs { get; init; }

    /// <summary>Hex SHA-256 of the signing key as DER RSAPublicKey (PKCS #1, RFC 8017 appendix A.1.1), as systemd has it.</summary>
    [JsonPropertyName("pkfp")]
    public required string KeyFingerprint { get; init; }

    /// <summary>Hex policy digest of TPM2_PolicyPCR over the expected values.</summary>
    [JsonPropertyName("pol")]
    public required string Policy { get; init; }

    /// <summary>Base64 RSASSA-PKCS1-v1_5 signature with SHA-256 over the policy digest's bytes.</summary>
    [JsonPropertyName("sig")]
    public required string Signature { get; init; }

    /// <summary>How a key is named in <see cref="KeyFingerprint"/>.</summary>
    public static string FingerprintOf(RSA key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportRSAPublicKey()));
}
