using System.Security.Cryptography;

using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Farm;

/// <summary>The farm's last resort, printed and kept offline: one 32-byte seed, of which a signing key and an encryption key are made.</summary>
public static class RecoveryKey
{
    /// <summary>The Ed25519 half, which may sign successor settings: the seed's own identity.</summary>
    public static KeyId SigningKey(ReadOnlySpan<byte> seed)
    {
        using IdentityKey key = IdentityKey.FromSeed(seed);
        return key.Id;
    }

    /// <summary>The X25519 half, base64: the key pair of SHA-256("zeroos.recovery-encryption.v1" NUL seed).</summary>
    public static string EncryptionKey(ReadOnlySpan<byte> seed)
    {
        using SealingKeyPair pair = EncryptionPair(seed);
        return Convert.ToBase64String(pair.PublicKey);
    }

    /// <summary>Opens what was sealed to the encryption half, or null.</summary>
    public static byte[]? TryOpen(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> box)
    {
        using SealingKeyPair pair = EncryptionPair(seed);
        return pair.TryOpen(box);
    }

    private static SealingKeyPair EncryptionPair(ReadOnlySpan<byte> seed)
    {
        byte[] derived = SHA256.HashData([.. "zeroos.recovery-encryption.v1\0"u8, .. seed]);
        SealingKeyPair pair = SealingKeyPair.FromSeed(derived);
        Crypto.Erase(derived);
        return pair;
    }
}
