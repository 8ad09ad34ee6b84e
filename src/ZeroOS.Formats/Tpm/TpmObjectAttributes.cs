namespace ZeroOS.Formats.Tpm;

/// <summary>What an object is and may do (TPMA_OBJECT, Part 2, 8.3).</summary>
[Flags]
public enum TpmObjectAttributes : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Never leaves this TPM.</summary>
    FixedTpm = 1 << 1,

    /// <summary>Cannot be loaded after the next start of the TPM with Clear.</summary>
    StClear = 1 << 2,

    /// <summary>Never gets another parent.</summary>
    FixedParent = 1 << 4,

    /// <summary>The TPM made its secret.</summary>
    SensitiveDataOrigin = 1 << 5,

    /// <summary>Its password allows its use; without, only its policy does.</summary>
    UserWithAuth = 1 << 6,

    /// <summary>Only its policy allows changing it.</summary>
    AdminWithPolicy = 1 << 7,

    /// <summary>Wrong tries lock nobody out.</summary>
    NoDictionaryAttack = 1 << 10,

    /// <summary>Duplicates stay encrypted.</summary>
    EncryptedDuplication = 1 << 11,

    /// <summary>Only for what the TPM itself made.</summary>
    Restricted = 1 << 16,

    /// <summary>It decrypts.</summary>
    Decrypt = 1 << 17,

    /// <summary>It signs (or encrypts).</summary>
    Sign = 1 << 18,
}
