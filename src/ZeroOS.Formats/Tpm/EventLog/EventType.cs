namespace ZeroOS.Formats.Tpm.EventLog;

/// <summary>
/// Types of measured events (TCG PC Client Platform Firmware Profile 1.06, table 27): those this project reads; any other number may occur in a log.
/// </summary>
public enum EventType : uint
{
    /// <summary>Not extended: the log's own header, the startup locality and other notes.</summary>
    NoAction = 0x3,

    /// <summary>End of the firmware's phase in PCR 0 to 7: four zero bytes when all is well.</summary>
    Separator = 0x4,

    /// <summary>Version of the code that measures first.</summary>
    CrtmVersion = 0x8,

    /// <summary>
    /// What a boot loader measures: systemd-stub's PCR 11 and 12 are of this type, with a description in UTF-16 as data that no digest covers.
    /// </summary>
    Ipl = 0xD,

    /// <summary>A variable of the firmware at start: SecureBoot, PK, KEK, db, dbx in PCR 7. The digest is that of the data.</summary>
    EfiVariableDriverConfig = 0x80000001,

    /// <summary>A boot variable: BootOrder, Boot####.</summary>
    EfiVariableBoot = 0x80000002,

    /// <summary>
    /// An EFI application that was loaded to be started (PCR 4). The digest is its Authenticode hash; the data, with a device path, is covered by no digest.
    /// </summary>
    EfiBootServicesApplication = 0x80000003,

    /// <summary>A driver from an option ROM or the disk (PCR 2), as for applications.</summary>
    EfiBootServicesDriver = 0x80000004,

    /// <summary>A run-time driver, as for applications.</summary>
    EfiRuntimeServicesDriver = 0x80000005,

    /// <summary>The disk's partition table (PCR 5).</summary>
    EfiGptEvent = 0x80000006,

    /// <summary>
    /// A sentence of the firmware: "Calling EFI Application from Boot Option", "Exit Boot Services Invocation". The digest is that of the data.
    /// </summary>
    EfiAction = 0x80000007,

    /// <summary>The certificate that vouched for an image under Secure Boot (PCR 7).</summary>
    EfiVariableAuthority = 0x800000E0,
}
