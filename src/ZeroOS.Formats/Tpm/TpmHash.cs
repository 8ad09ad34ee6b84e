using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm;

/// <summary>The hashes of a TPM, computed here.</summary>
public static class TpmHash
{
    /// <summary>Bytes of its digest.</summary>
    /// <exception cref="TpmException">Not a hash that is known here.</exception>
    public static int Bytes(TpmAlgorithm hash) => hash switch
    {
        TpmAlgorithm.Sha1 => 20,
        TpmAlgorithm.Sha256 => 32,
        TpmAlgorithm.Sha384 => 48,
        TpmAlgorithm.Sha512 => 64,
        _ => throw new TpmException($"algorithm 0x{(ushort)hash:x4} is no hash that is known here"),
    };

    /// <summary>The framework's name of it.</summary>
    /// <exception cref="TpmException">Not a hash that is known here.</exception>
    public static HashAlgorithmName Name(TpmAlgorithm hash) => Bytes(hash) switch
    {
        20 => HashAlgorithmName.SHA1,
        32 => HashAlgorithmName.SHA256,
        48 => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    /// <summary>The digest of the parts, one after the other.</summary>
    public static byte[] Compute(TpmAlgorithm hash, params ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        using IncrementalHash sum = IncrementalHash.CreateHash(Name(hash));
        foreach (ReadOnlyMemory<byte> part in parts)
            sum.AppendData(part.Span);
        return sum.GetHashAndReset();
    }

    internal static byte[] Hmac(TpmAlgorithm hash, ReadOnlySpan<byte> key, params ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        using IncrementalHash sum = IncrementalHash.CreateHMAC(Name(hash), key);
        foreach (ReadOnlyMemory<byte> part in parts)
            sum.AppendData(part.Span);
        return sum.GetHashAndReset();
    }
}
