namespace ZeroOS.Formats.Tpm;

/// <summary>Errors of a TPM (Part 2, table 16): TPM_RC_ and the name in capitals. Those from 0x900 are warnings, which pass.</summary>
public enum TpmError : uint
{
#pragma warning disable CS1591 // the names are the specification's
    Initialize = 0x100, Failure = 0x101, Sequence = 0x103, Private = 0x10B, HmacNotSupported = 0x119, Disabled = 0x120, Exclusive = 0x121, AuthType = 0x124,
    AuthMissing = 0x125, Policy = 0x126, Pcr = 0x127, PcrChanged = 0x128, Upgrade = 0x12D, TooManyContexts = 0x12E, AuthUnavailable = 0x12F, Reboot = 0x130,
    Unbalanced = 0x131, CommandSize = 0x142, CommandCode = 0x143, AuthSize = 0x144, AuthContext = 0x145, NvRange = 0x146, NvSize = 0x147, NvLocked = 0x148,
    NvAuthorization = 0x149, NvUninitialized = 0x14A, NvSpace = 0x14B, NvDefined = 0x14C, BadContext = 0x150, CpHash = 0x151, Parent = 0x152, NeedsTest = 0x153,
    NoResult = 0x154, Sensitive = 0x155,

    Asymmetric = 0x081, Attributes = 0x082, Hash = 0x083, Value = 0x084, Hierarchy = 0x085, KeySize = 0x087, Mgf = 0x088, Mode = 0x089, Type = 0x08A,
    Handle = 0x08B, Kdf = 0x08C, Range = 0x08D, AuthFail = 0x08E, Nonce = 0x08F, PhysicalPresence = 0x090, Scheme = 0x092, Size = 0x095, Symmetric = 0x096,
    Tag = 0x097, Selector = 0x098, Insufficient = 0x09A, Signature = 0x09B, Key = 0x09C, PolicyFail = 0x09D, Integrity = 0x09F, Ticket = 0x0A0,
    ReservedBits = 0x0A1, BadAuth = 0x0A2, Expired = 0x0A3, PolicyCommandCode = 0x0A4, Binding = 0x0A5, Curve = 0x0A6, EccPoint = 0x0A7,

    ContextGap = 0x901, ObjectMemory = 0x902, SessionMemory = 0x903, Memory = 0x904, SessionHandles = 0x905, ObjectHandles = 0x906, Locality = 0x907,
    Yielded = 0x908, Canceled = 0x909, Testing = 0x90A, NvRate = 0x920, Lockout = 0x921, Retry = 0x922, NvUnavailable = 0x923,
#pragma warning restore CS1591
}
