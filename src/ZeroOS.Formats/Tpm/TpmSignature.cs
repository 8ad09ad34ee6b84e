using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm;

/// <summary>A signature (TPMT_SIGNATURE, Part 2, 11.3.4): RSASSA or ECDSA.</summary>
/// <param name="Algorithm">RsaSsa or Ecdsa.</param>
/// <param name="Hash">Of what was signed.</param>
/// <param name="First">The RSA signature, or r.</param>
/// <param name="Second">s; empty for RSA.</param>
public sealed record TpmSignature(TpmAlgorithm Algorithm, TpmAlgorithm Hash, ReadOnlyMemory<byte> First, ReadOnlyMemory<byte> Second = default)
{
    /// <summary>Reads a TPMT_SIGNATURE, which must be all of <paramref name="bytes"/>.</summary>
    /// <exception cref="TpmException">It is none, or of a scheme that is not known here.</exception>
    public static TpmSignature Parse(ReadOnlySpan<byte> bytes)
    {
        TpmReader reader = new(bytes);
        TpmSignature signature = Read(ref reader);
        reader.RequireEnd("a signature");
        return signature;
    }

    /// <summary>The TPMT_SIGNATURE.</summary>
    public byte[] ToBytes()
    {
        TpmWriter w = new TpmWriter().Algorithm(Algorithm).Algorithm(Hash).Sized(First.Span);
        return Algorithm == TpmAlgorithm.Ecdsa ? w.Sized(Second.Span).ToArray() : w.ToArray();
    }

    /// <summary>Whether it is the key's over <paramref name="message"/>, by the key's own scheme if it has one. Never throws for a bad signature.</summary>
    /// <exception cref="TpmException">The key is none.</exception>
    public bool Verifies(TpmPublic key, ReadOnlySpan<byte> message)
    {
        if (key.Scheme.Algorithm != TpmAlgorithm.Null && key.Scheme != new TpmScheme(Algorithm, Hash))
            return false;
        if (Algorithm == TpmAlgorithm.RsaSsa)
        {
            using RSA rsa = key.ToRsa();
            return rsa.VerifyData(message, First.Span, TpmHash.Name(Hash), RSASignaturePadding.Pkcs1);
        }
        ECParameters curve = key.ToEc();
        int bytes = key.CurveBits / 8;
        if (First.Length > bytes || Second.Length > bytes)
            return false;
        using ECDsa ecdsa = TpmPublic.Import(() => ECDsa.Create(curve));
        return ecdsa.VerifyData(message, [.. TpmPublic.Padded(First.Span, bytes), .. TpmPublic.Padded(Second.Span, bytes)], TpmHash.Name(Hash),
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    internal static TpmSignature Read(ref TpmReader from)
    {
        TpmAlgorithm algorithm = from.ReadAlgorithm();
        if (algorithm is not (TpmAlgorithm.RsaSsa or TpmAlgorithm.Ecdsa))
            throw new TpmException($"signature scheme 0x{(ushort)algorithm:x4} is not known here");
        TpmAlgorithm hash = from.ReadAlgorithm();
        _ = TpmHash.Bytes(hash);
        byte[] first = from.ReadSized().ToArray();
        return new TpmSignature(algorithm, hash, first, algorithm == TpmAlgorithm.Ecdsa ? from.ReadSized().ToArray() : default(ReadOnlyMemory<byte>));
    }
}
