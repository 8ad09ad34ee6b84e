using ZeroOS.Formats.Tpm;

namespace ZeroOS.Node.Attestation;

/// <summary>The two keys a node proves itself by, as they are loaded in its TPM.</summary>
/// <param name="Attestation">Signs only what the TPM itself says: ECDSA P-256, restricted, a primary key of the endorsement hierarchy, so the same TPM gives
/// the same key at every start.</param>
/// <param name="Endorsement">The TPM's own key, by which its maker knows it; decrypts only.</param>
/// <param name="Certificate">The maker's certificate for it, DER, or null.</param>
internal sealed record AttestationKeys(TpmKey Attestation, TpmKey Endorsement, byte[]? Certificate);
