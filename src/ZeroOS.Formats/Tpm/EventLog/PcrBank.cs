namespace ZeroOS.Formats.Tpm.EventLog;

/// <summary>Banks of PCRs a log has digests for.</summary>
public enum PcrBank
{
    /// <summary>SHA-1, 20 bytes: read, never believed.</summary>
    Sha1,

    /// <summary>SHA-256, 32 bytes: the one everything here is about.</summary>
    Sha256,

    /// <summary>SHA-384, 48 bytes.</summary>
    Sha384,

    /// <summary>SHA-512, 64 bytes.</summary>
    Sha512,
}
