using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ZeroOS.Formats.Tpm;

/// <summary>How a TPM makes keys of secrets (Part 1, 11.4.10) and encrypts parameters and credentials (AES in CFB mode with whole-block feedback).</summary>
internal static class TpmKdf
{
    private const int BlockBytes = 16;

    /// <summary>KDFa: SP 800-108 in counter mode over HMAC. <paramref name="bits"/> is a multiple of 8.</summary>
    public static byte[] Kdfa(TpmAlgorithm hash, ReadOnlySpan<byte> key, string label, ReadOnlySpan<byte> contextU, ReadOnlySpan<byte> contextV, int bits)
    {
        byte[] rest = [.. Encoding.ASCII.GetBytes(label), 0, .. contextU, .. contextV, .. BigEndian((uint)bits)];
        byte[] key2 = key.ToArray();
        return Repeat(bits, counter => TpmHash.Hmac(hash, key2, BigEndian(counter), rest));
    }

    /// <summary>KDFe: SP 800-56A's concatenation over a hash, for secrets agreed by ECDH.</summary>
    public static byte[] Kdfe(TpmAlgorithm hash, ReadOnlySpan<byte> z, string label, ReadOnlySpan<byte> partyU, ReadOnlySpan<byte> partyV, int bits)
    {
        byte[] rest = [.. z, .. Encoding.ASCII.GetBytes(label), 0, .. partyU, .. partyV];
        return Repeat(bits, counter => TpmHash.Compute(hash, BigEndian(counter), rest));
    }

    /// <summary>AES-CFB of any length; the cipher needs whole blocks, so the last is filled up and cut off again.</summary>
    public static byte[] EncryptCfb(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> plain)
    {
        using Aes aes = Aes.Create();
        aes.Key = key.ToArray();
        return aes.EncryptCfb(WholeBlocks(plain), iv, PaddingMode.None, BlockBytes * 8)[..plain.Length];
    }

    /// <summary>The way back.</summary>
    public static byte[] DecryptCfb(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> cipher)
    {
        using Aes aes = Aes.Create();
        aes.Key = key.ToArray();
        return aes.DecryptCfb(WholeBlocks(cipher), iv, PaddingMode.None, BlockBytes * 8)[..cipher.Length];
    }

    private static byte[] WholeBlocks(ReadOnlySpan<byte> bytes)
    {
        byte[] whole = new byte[(bytes.Length + BlockBytes - 1) / BlockBytes * BlockBytes];
        bytes.CopyTo(whole);
        return whole;
    }

    private static byte[] Repeat(int bits, Func<uint, byte[]> block)
    {
        byte[] key = new byte[bits / 8];
        int filled = 0;
        for (uint counter = 1; filled < key.Length; counter++)
        {
            byte[] next = block(counter);
            int take = Math.Min(next.Length, key.Length - filled);
            next.AsSpan(0, take).CopyTo(key.AsSpan(filled));
            filled += take;
        }
        return key;
    }

    private static byte[] BigEndian(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
