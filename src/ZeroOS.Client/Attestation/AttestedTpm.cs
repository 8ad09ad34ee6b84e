using System.Security.Cryptography;

using ZeroOS.Formats.Tpm;

namespace ZeroOS.Client.Attestation;

/// <summary>The keys a TPM shows, read and held against the templates they must be of: what a key may do is in its public area, and so in its name.</summary>
/// <param name="Attestation">The key that signs quotes.</param>
/// <param name="Endorsement">The TPM's own.</param>
public sealed record AttestedTpm(TpmPublic Attestation, TpmPublic Endorsement)
{
    /// <summary>Bytes of the secret in a challenge.</summary>
    public const int SecretBytes = 32;

    /// <summary>Reads both.</summary>
    /// <exception cref="TpmException">One of them is no key.</exception>
    public static AttestedTpm Read(Contracts.Bus.NodeQuote quote) =>
        new(TpmPublic.Parse(Bytes(quote.AttestationKey)), TpmPublic.Parse(Bytes(quote.EndorsementKey)));

    /// <summary>A restricted key signs nothing that could be mistaken for the TPM's own words, so its signature is the TPM's word.</summary>
    public bool SignsOnlyTheTpmsWords => Same(Attestation, TpmTemplates.AttestationEcc);

    /// <summary>Of the two templates makers certify.</summary>
    public bool IsEndorsed => Same(Endorsement, TpmTemplates.EndorsementEcc) || Same(Endorsement, TpmTemplates.EndorsementRsa);

    /// <summary>Hex name of the attestation key.</summary>
    public string AttestationName => Convert.ToHexStringLower(Attestation.Name());

    /// <summary>Hex name of the endorsement key.</summary>
    public string EndorsementName => Convert.ToHexStringLower(Endorsement.Name());

    /// <summary>How the TPM itself calls the attestation key in what it signs: a primary key of the endorsement hierarchy (Part 1, 26.5).</summary>
    public byte[] QualifiedName =>
        [(byte)((int)TpmAlgorithm.Sha256 >> 8), (byte)TpmAlgorithm.Sha256, .. SHA256.HashData([.. TpmEntity.Endorsement.Name.Span, .. Attestation.Name()])];

    /// <summary>A challenge that only the TPM with that endorsement key can meet, and only while that attestation key is in it.</summary>
    /// <exception cref="TpmException">Nothing can be encrypted to that endorsement key.</exception>
    public TpmCredential Challenge(ReadOnlySpan<byte> secret) => TpmCredential.Make(Endorsement, Attestation.Name(), secret);

    /// <summary>Base64 of a node as bytes.</summary>
    /// <exception cref="TpmException">It is none.</exception>
    public static byte[] Bytes(string base64) =>
        Bus.Json.CanonicalBase64.TryDecode(base64, out byte[] bytes) ? bytes : throw new TpmException("what came is not base64");

    // All but the key itself: two public areas with the same bytes there allow the same.
    private static bool Same(TpmPublic key, TpmPublic template) => Kind(key).AsSpan().SequenceEqual(Kind(template));

    private static byte[] Kind(TpmPublic key) => (key with { Unique = default, UniqueY = default }).ToBytes();
}
