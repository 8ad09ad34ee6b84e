namespace ZeroOS.Formats.Tpm;

/// <summary>
/// A statement of the TPM as it signed it: the TPMS_ATTEST's exact bytes, and the signature over them. <see cref="TpmAttestation.Parse"/> reads what it says.
/// </summary>
public sealed record TpmStatement(ReadOnlyMemory<byte> Attestation, TpmSignature Signature);
