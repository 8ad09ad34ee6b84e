namespace ZeroOS.Formats.Tpm;

/// <summary>Templates of the keys everybody makes the same way, so that the same TPM gives the same key again after every start.</summary>
public static class TpmTemplates
{
    private const TpmObjectAttributes Parent = TpmObjectAttributes.FixedTpm | TpmObjectAttributes.FixedParent | TpmObjectAttributes.SensitiveDataOrigin
        | TpmObjectAttributes.Restricted | TpmObjectAttributes.Decrypt;

    private static readonly TpmPublic s_p256 = new()
    {
        Type = TpmAlgorithm.Ecc,
        Attributes = Parent,
        SymmetricBits = 128,
        CurveBits = 256,
        Unique = new byte[32],
        UniqueY = new byte[32],
    };

    /// <summary>The storage root key, ECC P-256 (TCG TPM v2.0 Provisioning Guidance, 7.5.1), in the owner's hierarchy.</summary>
    public static TpmPublic StorageRoot => s_p256 with { Attributes = Parent | TpmObjectAttributes.UserWithAuth | TpmObjectAttributes.NoDictionaryAttack };

    /// <summary>
    /// The endorsement key, ECC P-256 (TCG EK Credential Profile, template L-2), in the endorsement hierarchy; its certificate is at NV index 0x01C0000A.
    /// </summary>
    public static TpmPublic EndorsementEcc => s_p256 with { Attributes = Parent | TpmObjectAttributes.AdminWithPolicy, AuthPolicy = EndorsementPolicy };

    /// <summary>
    /// The endorsement key, RSA 2048 (TCG EK Credential Profile, template L-1), in the endorsement hierarchy; its certificate is at NV index 0x01C00002.
    /// </summary>
    public static TpmPublic EndorsementRsa => new()
    {
        Type = TpmAlgorithm.Rsa,
        Attributes = Parent | TpmObjectAttributes.AdminWithPolicy,
        AuthPolicy = EndorsementPolicy,
        SymmetricBits = 128,
        RsaBits = 2048,
        Unique = new byte[256],
    };

    /// <summary>An attestation key: ECDSA P-256 with SHA-256, signs only what the TPM itself says.</summary>
    public static TpmPublic AttestationEcc => new()
    {
        Type = TpmAlgorithm.Ecc,
        Attributes = TpmObjectAttributes.FixedTpm | TpmObjectAttributes.FixedParent | TpmObjectAttributes.SensitiveDataOrigin | TpmObjectAttributes.UserWithAuth
            | TpmObjectAttributes.NoDictionaryAttack | TpmObjectAttributes.Restricted | TpmObjectAttributes.Sign,
        Scheme = new TpmScheme(TpmAlgorithm.Ecdsa, TpmAlgorithm.Sha256),
        CurveBits = 256,
    };

    /// <summary>Data sealed to a policy and to nothing else: no password opens it, and wrong tries lock nobody out.</summary>
    public static TpmPublic Sealed(ReadOnlyMemory<byte> policy) => new()
    {
        Type = TpmAlgorithm.KeyedHash,
        Attributes = TpmObjectAttributes.FixedTpm | TpmObjectAttributes.FixedParent | TpmObjectAttributes.NoDictionaryAttack,
        AuthPolicy = policy,
    };

    /// <summary>PolicySecret of the endorsement hierarchy, the policy of every endorsement key of the low range.</summary>
    private static byte[] EndorsementPolicy => TpmPolicy.Secret(TpmPolicy.Empty, TpmEntity.Endorsement.Name.Span, []);
}
