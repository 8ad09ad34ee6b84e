using ZeroOS.Bus.Json;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Keys;

/// <summary>How an identity vouches for a sealing key: Ed25519 over "zeroos.sealing-key.v1" NUL and the 32 bytes.</summary>
public static class SealingVoucher
{
    /// <summary>Signs the public half.</summary>
    public static SealingKey Make(IdentityKey identity, ReadOnlySpan<byte> publicKey) => new()
    {
        Key = Convert.ToBase64String(publicKey),
        Signature = Convert.ToBase64String(identity.Sign(Statement(publicKey))),
    };

    /// <summary>Returns the 32-byte key if <paramref name="identity"/> vouches for it, else null.</summary>
    public static byte[]? Verify(KeyId identity, SealingKey voucher)
    {
        bool sound = CanonicalBase64.TryDecode(voucher.Key, Crypto.KeyBytes, out byte[] key)
            & CanonicalBase64.TryDecode(voucher.Signature, Crypto.SignatureBytes, out byte[] signature);
        return sound && identity.Verifies(Statement(key), signature) ? key : null;
    }

    private static byte[] Statement(ReadOnlySpan<byte> publicKey) => [.. "zeroos.sealing-key.v1\0"u8, .. publicKey];
}
