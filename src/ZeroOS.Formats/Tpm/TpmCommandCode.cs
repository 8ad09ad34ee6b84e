namespace ZeroOS.Formats.Tpm;

/// <summary>The commands spoken here (Part 2, table 12).</summary>
public enum TpmCommandCode : uint
{
#pragma warning disable CS1591 // the names are the specification's
    EvictControl = 0x120, NvDefineSpace = 0x12A, CreatePrimary = 0x131, NvIncrement = 0x134, ActivateCredential = 0x147, Certify = 0x148,
    NvRead = 0x14E, PolicySecret = 0x151, Create = 0x153, Load = 0x157, Quote = 0x158, Unseal = 0x15E, FlushContext = 0x165, LoadExternal = 0x167,
    NvReadPublic = 0x169, PolicyAuthorize = 0x16A, ReadPublic = 0x173, StartAuthSession = 0x176, VerifySignature = 0x177, GetCapability = 0x17A,
    GetRandom = 0x17B, PcrRead = 0x17E, PolicyPcr = 0x17F, PcrExtend = 0x182, PolicyGetDigest = 0x189,
#pragma warning restore CS1591
}
