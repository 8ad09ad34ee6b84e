namespace ZeroOS.Formats.Tpm;

/// <summary>Algorithm ids (TCG Algorithm Registry), those that are met here.</summary>
public enum TpmAlgorithm : ushort
{
#pragma warning disable CS1591 // the names are the registry's
    None = 0, Rsa = 0x0001, Sha1 = 0x0004, Hmac = 0x0005, Aes = 0x0006, KeyedHash = 0x0008, Xor = 0x000A, Sha256 = 0x000B, Sha384 = 0x000C, Sha512 = 0x000D,
    Null = 0x0010, RsaSsa = 0x0014, RsaEs = 0x0015, RsaPss = 0x0016, Oaep = 0x0017, Ecdsa = 0x0018, Ecdh = 0x0019, Kdf1Sp800108 = 0x0022, Ecc = 0x0023,
    SymmetricCipher = 0x0025, Cfb = 0x0043,
#pragma warning restore CS1591
}
