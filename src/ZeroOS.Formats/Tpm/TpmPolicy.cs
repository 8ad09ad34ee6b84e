namespace ZeroOS.Formats.Tpm;

/// <summary>Policies as a TPM computes them (Part 3, section 23), computed here with SHA-256: what an object is sealed to, before any session exists.</summary>
public static class TpmPolicy
{
    /// <summary>The digest every policy begins with.</summary>
    public static byte[] Empty => new byte[32];

    /// <summary>TPM2_PolicyPCR: these PCRs hold values with this digest.</summary>
    public static byte[] Pcr(ReadOnlySpan<byte> policy, TpmPcrSelection selection, ReadOnlySpan<byte> pcrDigest) =>
        Extend(policy, new TpmWriter().UInt32((uint)TpmCommandCode.PolicyPcr).Raw(selection.ToBytes()).Raw(pcrDigest));

    /// <summary>TPM2_PolicyAuthorize: whatever policy the named key signs. It replaces what went before.</summary>
    public static byte[] Authorize(ReadOnlySpan<byte> keyName, ReadOnlySpan<byte> reference) =>
        Update(Empty, TpmCommandCode.PolicyAuthorize, keyName, reference);

    /// <summary>TPM2_PolicySecret: whoever is authorized for the named entity.</summary>
    public static byte[] Secret(ReadOnlySpan<byte> policy, ReadOnlySpan<byte> entityName, ReadOnlySpan<byte> reference) =>
        Update(policy, TpmCommandCode.PolicySecret, entityName, reference);

    /// <summary>The digest of PCR values as TPM2_PolicyPCR and quotes have it: the values in order of bank and number, hashed.</summary>
    public static byte[] PcrDigest(params ReadOnlySpan<ReadOnlyMemory<byte>> values) => TpmHash.Compute(TpmAlgorithm.Sha256, values);

    /// <summary>PolicyUpdate of Part 3, 23.2.3: two hashes, so that the reference cannot run into the name.</summary>
    private static byte[] Update(ReadOnlySpan<byte> policy, TpmCommandCode code, ReadOnlySpan<byte> name, ReadOnlySpan<byte> reference) =>
        Extend(Extend(policy, new TpmWriter().UInt32((uint)code).Raw(name)), new TpmWriter().Raw(reference));

    private static byte[] Extend(ReadOnlySpan<byte> policy, TpmWriter with) => TpmHash.Compute(TpmAlgorithm.Sha256, policy.ToArray(), with.ToArray());
}
