namespace ZeroOS.Contracts.Bus;

/// <summary>Body of zos.node.attest: exactly one of its two steps (docs/bus.md, "Attestation").</summary>
public sealed record NodeAttest
{
    /// <summary>First: what did you measure, now and for me?</summary>
    public QuoteRequest? Quote { get; init; }

    /// <summary>Second: is the key that signed it in the TPM of that endorsement key?</summary>
    public CredentialChallenge? Challenge { get; init; }
}

/// <summary>What is to be quoted, and for whom.</summary>
public sealed record QuoteRequest
{
    /// <summary>Drawn by the asker for this question alone: base64, 32 bytes.</summary>
    public required string Nonce { get; init; }

    /// <summary>PCRs of the sha256 bank, 0 to 23, rising.</summary>
    public required IReadOnlyList<int> Pcrs { get; init; }
}

/// <summary>What TPM2_ActivateCredential takes (TCG TPM 2.0 Library, Part 1, 24).</summary>
public sealed record CredentialChallenge
{
    /// <summary>TPMS_ID_OBJECT, base64, at most 256 bytes.</summary>
    public required string Credential { get; init; }

    /// <summary>The encrypted seed, base64, at most 512 bytes.</summary>
    public required string EncryptedSeed { get; init; }
}

/// <summary>Answer to zos.node.attest: that of the step that was asked for.</summary>
public sealed record NodeAttestation
{
    /// <summary>To a quote.</summary>
    public NodeQuote? Quote { get; init; }

    /// <summary>To a challenge: the secret in it, base64.</summary>
    public string? Secret { get; init; }
}

/// <summary>What the TPM signed, and everything needed to understand it. Nothing here is to be believed but by the signature and what it covers.</summary>
public sealed record NodeQuote
{
    /// <summary>
    /// The signed statement, TPMS_ATTEST, base64. Its qualifying data is <c>AttestationBinding</c>: nonce, node id, epoch, and what is told below of sealing
    /// key, identity and settings.
    /// </summary>
    public required string Statement { get; init; }

    /// <summary>TPMT_SIGNATURE by the attestation key, base64.</summary>
    public required string Signature { get; init; }

    /// <summary>TPMT_PUBLIC of the attestation key, base64.</summary>
    public required string AttestationKey { get; init; }

    /// <summary>TPMT_PUBLIC of the endorsement key, base64.</summary>
    public required string EndorsementKey { get; init; }

    /// <summary>The maker's certificate for the endorsement key, DER, base64; absent if the TPM holds none.</summary>
    public string? EndorsementCertificate { get; init; }

    /// <summary>The values of the PCRs asked for, in that order: base64, 32 bytes each.</summary>
    public required IReadOnlyList<string> Pcrs { get; init; }

    /// <summary>The firmware's event log, base64, at most 128 KiB.</summary>
    public required string EventLog { get; init; }

    /// <summary>The farm settings in force, base64, at most 64 KiB; absent if there are none.</summary>
    public string? FarmSettings { get; init; }

    /// <summary>
    /// The farm settings that lay beside the image, if they are others than those in force, base64, at most 64 KiB: what PCR 12 is explained by.
    /// </summary>
    public string? SettingsBeside { get; init; }

    /// <summary>
    /// The sealing key the statement is bound to, base64, 32 bytes: its private half is in the memory of the attested start and nowhere else.
    /// </summary>
    public required string SealingKey { get; init; }

    /// <summary>The node's identity came out of this TPM, which gives it to images of one signer only.</summary>
    public required bool IdentitySealed { get; init; }

    /// <summary>Version of ZeroOS, as the image says.</summary>
    public required string Version { get; init; }

    /// <summary>Hash of the running image, as the image says.</summary>
    public required string ImageDigest { get; init; }
}

/// <summary>Why a node cannot attest: <see cref="BusError.Reason"/> beside the code "unavailable".</summary>
public static class AttestationReasons
{
    /// <summary>It has no TPM of version 2; everything else works.</summary>
    public const string NoTpm = "no-tpm";

    /// <summary>It has a TPM, but its firmware measured nothing: a BIOS, or a kernel started without one.</summary>
    public const string NoEventLog = "no-event-log";

    /// <summary>The TPM refuses or fails; the message says what.</summary>
    public const string TpmFailed = "tpm-failed";
}
