using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace ZeroOS.Formats.Tpm;

/// <summary>A secret agreed with a TPM through the public half of one of its decryption keys (Part 1, B.10 and C.6): only that TPM learns it.</summary>
internal static class TpmSecretExchange
{
    /// <summary>
    /// Returns the secret, as long as the key's name hash, and the bytes from which the TPM gets it (the inside of a TPM2B_ENCRYPTED_SECRET).
    /// <paramref name="label"/> keeps uses apart: "SECRET" for sessions, "IDENTITY" for credentials.
    /// </summary>
    public static (byte[] Secret, byte[] Encrypted) With(TpmPublic key, string label, Func<int, byte[]> random) =>
        key.Type == TpmAlgorithm.Ecc ? ByEcdh(key, label, random) : ByOaep(key, label, random);

    private static (byte[] Secret, byte[] Encrypted) ByEcdh(TpmPublic key, string label, Func<int, byte[]> random)
    {
        ECParameters theirs = key.ToEc();
        int bytes = key.CurveBits / 8;
        return TpmPublic.Import(() =>
        {
            using ECDiffieHellman peer = ECDiffieHellman.Create(theirs);
            using ECDiffieHellman own = ECDiffieHellman.Create(new ECParameters { Curve = theirs.Curve, D = random(bytes) });
            ECPoint q = own.ExportParameters(includePrivateParameters: false).Q;
            byte[] z = own.DeriveRawSecretAgreement(peer.PublicKey);
            byte[] secret = TpmKdf.Kdfe(key.NameAlgorithm, z, label, q.X, theirs.Q.X, TpmHash.Bytes(key.NameAlgorithm) * 8);
            CryptographicOperations.ZeroMemory(z);
            return (secret, new TpmWriter().Sized(q.X).Sized(q.Y).ToArray());
        });
    }

    /// <summary>OAEP with a label (RFC 8017, 7.1.1), which the framework's RSA has no word for.</summary>
    private static (byte[] Secret, byte[] Encrypted) ByOaep(TpmPublic key, string label, Func<int, byte[]> random)
    {
        int hashBytes = TpmHash.Bytes(key.NameAlgorithm), bytes = key.RsaBits / 8;
        byte[] secret = random(hashBytes), seed = random(hashBytes);
        byte[] data = new byte[bytes - hashBytes - 1];
        TpmHash.Compute(key.NameAlgorithm, Encoding.ASCII.GetBytes(label + '\0')).CopyTo(data, 0);
        data[^(hashBytes + 1)] = 1;
        secret.CopyTo(data, data.Length - hashBytes);
        Mask(key.NameAlgorithm, seed, data);
        Mask(key.NameAlgorithm, data, seed);
        BigInteger number = new([0, .. seed, .. data], isUnsigned: true, isBigEndian: true);
        BigInteger modulus = new(key.Unique.Span, isUnsigned: true, isBigEndian: true);
        if (modulus.IsZero)
            throw new TpmException("not a key: its modulus is zero");
        BigInteger cipher = BigInteger.ModPow(number, key.RsaExponent == 0 ? 65537 : key.RsaExponent, modulus);
        return (secret, TpmPublic.Padded(cipher.ToByteArray(isUnsigned: true, isBigEndian: true), bytes));
    }

    /// <summary>MGF1 (RFC 8017, B.2.1) of <paramref name="seed"/>, laid over <paramref name="target"/>.</summary>
    private static void Mask(TpmAlgorithm hash, byte[] seed, byte[] target)
    {
        for (int at = 0, counter = 0; at < target.Length; counter++)
        {
            byte[] block = TpmHash.Compute(hash, seed, new[] { (byte)(counter >> 24), (byte)(counter >> 16), (byte)(counter >> 8), (byte)counter });
            for (int i = 0; i < block.Length && at < target.Length; i++, at++)
                target[at] ^= block[i];
        }
    }
}
