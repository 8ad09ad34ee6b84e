using System.Security.Cryptography;

namespace ZeroOS.Bus.Keys;

/// <summary>
/// What a node lets its TPM sign along with the PCRs, so that boot, identity, freshness and channel are proved by one signature. Were the identity proved by
/// one key and the boot by another, a computer that can do the first could borrow the second [PYSEC-2022-184].
/// </summary>
public static class AttestationBinding
{
    /// <summary>Bytes of a nonce.</summary>
    public const int NonceBytes = 32;

    /// <summary>Bytes of an epoch.</summary>
    public const int EpochBytes = Messages.Message.EpochBytes;

    /// <summary>
    /// SHA-256 over "zeroos.attest.v1" NUL, nonce, the node's public key, epoch, sealing key, one byte that says whether the identity is sealed in this TPM,
    /// and the SHA-256 of the farm settings in force (of nothing when there are none). Every part but the first is of fixed length, so no two cases give the
    /// same bytes.
    /// </summary>
    /// <exception cref="ArgumentException">A part has another length.</exception>
    public static byte[] Compute(ReadOnlySpan<byte> nonce, KeyId node, ReadOnlySpan<byte> epoch, ReadOnlySpan<byte> sealingKey, bool identitySealed,
        ReadOnlySpan<byte> farmSettings)
    {
        if (nonce.Length != NonceBytes || epoch.Length != EpochBytes || sealingKey.Length != Sodium.Crypto.KeyBytes)
            throw new ArgumentException("a part of what is bound has another length");
        return SHA256.HashData([.. "zeroos.attest.v1\0"u8, .. nonce, .. node.Bytes, .. epoch, .. sealingKey, identitySealed ? (byte)1 : (byte)0,
            .. SHA256.HashData(farmSettings)]);
    }
}
