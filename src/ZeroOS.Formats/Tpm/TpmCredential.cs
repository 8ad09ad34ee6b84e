using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm;

/// <summary>
/// A challenge that only the TPM with a certain endorsement key can answer, and only if the key of a certain name is in it (Part 1, 24): made by who wants to
/// know that an attestation key lives in that TPM.
/// </summary>
/// <param name="Object">The TPMS_ID_OBJECT: HMAC and encrypted secret.</param>
/// <param name="EncryptedSeed">From what the TPM gets the keys of it.</param>
public sealed record TpmCredential(ReadOnlyMemory<byte> Object, ReadOnlyMemory<byte> EncryptedSeed)
{
    /// <summary>
    /// TPM2_MakeCredential, computed here: <paramref name="secret"/> (at most the size of the endorsement key's name hash) for the key named
    /// <paramref name="keyName"/>.
    /// </summary>
    /// <exception cref="TpmException">The endorsement key is no key to encrypt to.</exception>
    public static TpmCredential Make(TpmPublic endorsement, ReadOnlySpan<byte> keyName, ReadOnlySpan<byte> secret) =>
        Make(endorsement, keyName, secret, RandomNumberGenerator.GetBytes);

    internal static TpmCredential Make(TpmPublic endorsement, ReadOnlySpan<byte> keyName, ReadOnlySpan<byte> secret, Func<int, byte[]> random)
    {
        TpmAlgorithm hash = endorsement.NameAlgorithm;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(secret.Length, TpmHash.Bytes(hash), nameof(secret));
        if (endorsement.SymmetricBits == 0 || endorsement.Type is not (TpmAlgorithm.Ecc or TpmAlgorithm.Rsa))
            throw new TpmException("the endorsement key protects nothing: it is no parent");
        (byte[] seed, byte[] encryptedSeed) = TpmSecretExchange.With(endorsement, "IDENTITY", random);
        byte[] key = TpmKdf.Kdfa(hash, seed, "STORAGE", keyName, [], endorsement.SymmetricBits);
        byte[] encrypted = TpmKdf.EncryptCfb(key, new byte[16], new TpmWriter().Sized(secret).ToArray());
        byte[] hmac = TpmHash.Hmac(hash, TpmKdf.Kdfa(hash, seed, "INTEGRITY", [], [], TpmHash.Bytes(hash) * 8), encrypted, keyName.ToArray());
        return new TpmCredential(new TpmWriter().Sized(hmac).Raw(encrypted).ToArray(), encryptedSeed);
    }
}
