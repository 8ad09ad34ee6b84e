namespace ZeroOS.Client.Attestation;

/// <summary>Names of everything that can speak against a node; stable, for programs.</summary>
public static class Reasons
{
    /// <summary>What came cannot be read.</summary>
    public const string Malformed = "malformed";

    /// <summary>The key that signed is not one that signs only what a TPM itself says.</summary>
    public const string NotAnAttestationKey = "not-an-attestation-key";

    /// <summary>The signature is not that key's.</summary>
    public const string SignatureWrong = "signature-wrong";

    /// <summary>What is signed is no quote of the registers asked for.</summary>
    public const string NotAQuote = "not-a-quote";

    /// <summary>The other key is no endorsement key.</summary>
    public const string NotAnEndorsementKey = "not-an-endorsement-key";

    /// <summary>The challenge was not met: the key that signed does not live in the TPM of that endorsement key.</summary>
    public const string KeyNotInTpm = "key-not-in-tpm";

    /// <summary>The quote answers another question: an old one, another node's, or one for another connection.</summary>
    public const string ReplayedQuote = "replayed-quote";

    /// <summary>Not the TPM of the first attestation.</summary>
    public const string OtherTpm = "other-tpm";

    /// <summary>The endorsement key has no certificate of the authorities given.</summary>
    public const string CertificateNotTrusted = "certificate-not-trusted";

    /// <summary>The register values that came are not those that were quoted.</summary>
    public const string RegistersDiffer = "registers-differ";

    /// <summary>The event log does not give the quoted values.</summary>
    public const string LogDiffers = "log-differs";

    /// <summary>Another image was booted.</summary>
    public const string WrongImage = "wrong-image";

    /// <summary>Something else was started before or beside the image.</summary>
    public const string UnknownBootFile = "unknown-boot-file";

    /// <summary>Other settings, other files beside the image, or another command line.</summary>
    public const string SettingsDiffer = "settings-differ";

    /// <summary>The firmware is not that of the first attestation.</summary>
    public const string FirmwareChanged = "firmware-changed";

    /// <summary>No measurements were given, so no image can be told.</summary>
    public const string NoMeasurements = "no-measurements";
}
