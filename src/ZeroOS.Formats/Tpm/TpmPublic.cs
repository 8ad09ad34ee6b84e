using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm;

/// <summary>
/// The public area of an object, or the template of one to be made (TPMT_PUBLIC, Part 2, 12.2.4): RSA and NIST P-256/384 keys, and sealed data.
/// </summary>
public sealed record TpmPublic
{
    private const ushort NistP256 = 0x0003, NistP384 = 0x0004;
    private const uint UsualExponent = 65537;

    /// <summary>Rsa, Ecc or KeyedHash (sealed data).</summary>
    public required TpmAlgorithm Type { get; init; }

    /// <summary>The hash of its name and its policy.</summary>
    public TpmAlgorithm NameAlgorithm { get; init; } = TpmAlgorithm.Sha256;

    /// <summary>What it may do.</summary>
    public required TpmObjectAttributes Attributes { get; init; }

    /// <summary>Digest of the policy that allows its use; empty: none does.</summary>
    public ReadOnlyMemory<byte> AuthPolicy { get; init; }

    /// <summary>AES-CFB key bits by which a parent protects its children; 0 for a key that is no parent.</summary>
    public int SymmetricBits { get; init; }

    /// <summary>How it signs or decrypts.</summary>
    public TpmScheme Scheme { get; init; } = TpmScheme.None;

    /// <summary>Of an RSA key: bits of the modulus.</summary>
    public int RsaBits { get; init; }

    /// <summary>Of an RSA key: 0 stands for 65537.</summary>
    public uint RsaExponent { get; init; }

    /// <summary>Of an ECC key: bits of the NIST curve, 256 or 384.</summary>
    public int CurveBits { get; init; }

    /// <summary>Modulus, x coordinate or digest; in a template what goes into its making.</summary>
    public ReadOnlyMemory<byte> Unique { get; init; }

    /// <summary>Of an ECC key: the y coordinate.</summary>
    public ReadOnlyMemory<byte> UniqueY { get; init; }

    /// <summary>The name: hash algorithm and hash of all this (Part 1, 16).</summary>
    public byte[] Name() => new TpmWriter().Algorithm(NameAlgorithm).Raw(TpmHash.Compute(NameAlgorithm, ToBytes())).ToArray();

    /// <summary>The TPMT_PUBLIC.</summary>
    public byte[] ToBytes()
    {
        TpmWriter w = new TpmWriter().Algorithm(Type).Algorithm(NameAlgorithm).UInt32((uint)Attributes).Sized(AuthPolicy.Span);
        if (Type == TpmAlgorithm.KeyedHash)
        {
            Scheme.Write(w);
            return w.Sized(Unique.Span).ToArray();
        }
        if (SymmetricBits == 0)
            w.Algorithm(TpmAlgorithm.Null);
        else
            w.Algorithm(TpmAlgorithm.Aes).UInt16((ushort)SymmetricBits).Algorithm(TpmAlgorithm.Cfb);
        Scheme.Write(w);
        if (Type == TpmAlgorithm.Rsa)
            return w.UInt16((ushort)RsaBits).UInt32(RsaExponent).Sized(Unique.Span).ToArray();
        return w.UInt16(CurveBits == 256 ? NistP256 : NistP384).Algorithm(TpmAlgorithm.Null).Sized(Unique.Span).Sized(UniqueY.Span).ToArray();
    }

    /// <summary>Reads a TPMT_PUBLIC, which must be all of <paramref name="bytes"/>.</summary>
    /// <exception cref="TpmException">It is none, or of a kind that is not known here.</exception>
    public static TpmPublic Parse(ReadOnlySpan<byte> bytes)
    {
        TpmReader r = new(bytes);
        TpmPublic read = new()
        {
            Type = r.ReadAlgorithm(),
            NameAlgorithm = r.ReadAlgorithm(),
            Attributes = (TpmObjectAttributes)r.ReadUInt32(),
            AuthPolicy = r.ReadSized().ToArray(),
        };
        _ = TpmHash.Bytes(read.NameAlgorithm);
        if (read.Type == TpmAlgorithm.KeyedHash)
            read = read with { Scheme = TpmScheme.Read(ref r), Unique = r.ReadSized().ToArray() };
        else if (read.Type is TpmAlgorithm.Rsa or TpmAlgorithm.Ecc)
            read = ReadKey(read, ref r);
        else
            throw new TpmException($"an object of type 0x{(ushort)read.Type:x4} is not known here");
        r.RequireEnd("a public area");
        return read;
    }

    /// <summary>The public area of an RSA key that somebody else has, to verify signatures by: it may do everything a public half can.</summary>
    public static TpmPublic OfRsa(RSA key)
    {
        RSAParameters p = key.ExportParameters(includePrivateParameters: false);
        uint exponent = p.Exponent!.Aggregate(0u, (sum, next) => (sum << 8) | next);
        return new TpmPublic
        {
            Type = TpmAlgorithm.Rsa,
            Attributes = TpmObjectAttributes.Sign | TpmObjectAttributes.Decrypt | TpmObjectAttributes.UserWithAuth,
            RsaBits = key.KeySize,
            RsaExponent = exponent == UsualExponent ? 0 : exponent,
            Unique = p.Modulus!,
        };
    }

    /// <summary>The key as the framework's RSA.</summary>
    /// <exception cref="TpmException">Not an RSA key, or one the framework refuses.</exception>
    public RSA ToRsa()
    {
        if (Type != TpmAlgorithm.Rsa)
            throw new TpmException("the key is not an RSA key");
        uint e = RsaExponent == 0 ? UsualExponent : RsaExponent;
        byte[] exponent = [.. new[] { (byte)(e >> 24), (byte)(e >> 16), (byte)(e >> 8), (byte)e }.SkipWhile(b => b == 0)];
        return Import(() => RSA.Create(new RSAParameters { Modulus = Unique.ToArray(), Exponent = exponent }));
    }

    /// <summary>The key as the framework's elliptic-curve parameters: for ECDsa and ECDiffieHellman.</summary>
    /// <exception cref="TpmException">Not an elliptic-curve key.</exception>
    public ECParameters ToEc()
    {
        if (Type != TpmAlgorithm.Ecc)
            throw new TpmException("the key is not an elliptic-curve key");
        int bytes = CurveBits / 8;
        return new ECParameters
        {
            Curve = CurveBits == 256 ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384,
            Q = new ECPoint { X = Padded(Unique.Span, bytes), Y = Padded(UniqueY.Span, bytes) },
        };
    }

    /// <summary>A number at its full width: some TPMs leave leading zeros out.</summary>
    internal static byte[] Padded(ReadOnlySpan<byte> number, int bytes)
    {
        if (number.Length > bytes)
            throw new TpmException($"a number of {number.Length} bytes where {bytes} are the most");
        byte[] padded = new byte[bytes];
        number.CopyTo(padded.AsSpan(bytes - number.Length));
        return padded;
    }

    internal static T Import<T>(Func<T> import)
    {
        try
        {
            return import();
        }
        catch (CryptographicException e)
        {
            throw new TpmException($"not a key: {e.Message}");
        }
    }

    private static TpmPublic ReadKey(TpmPublic read, ref TpmReader r)
    {
        TpmAlgorithm symmetric = r.ReadAlgorithm();
        if (symmetric == TpmAlgorithm.Aes)
        {
            read = read with { SymmetricBits = r.ReadUInt16() };
            if (r.ReadAlgorithm() != TpmAlgorithm.Cfb || read.SymmetricBits is not (128 or 192 or 256))
                throw new TpmException("a parent protects its children by something other than AES-CFB");
        }
        else if (symmetric != TpmAlgorithm.Null)
        {
            throw new TpmException($"symmetric algorithm 0x{(ushort)symmetric:x4} is not known here");
        }
        read = read with { Scheme = TpmScheme.Read(ref r) };
        if (read.Type == TpmAlgorithm.Rsa)
        {
            read = read with { RsaBits = r.ReadUInt16(), RsaExponent = r.ReadUInt32(), Unique = r.ReadSized().ToArray() };
            return read.RsaBits is 1024 or 2048 or 3072 or 4096 && read.Unique.Length <= read.RsaBits / 8
                ? read
                : throw new TpmException($"an RSA key of {read.RsaBits} bits");
        }
        ushort curve = r.ReadUInt16();
        if (curve is not (NistP256 or NistP384))
            throw new TpmException($"curve 0x{curve:x4} is not known here");
        if (TpmScheme.Read(ref r).Algorithm != TpmAlgorithm.Null)
            throw new TpmException("an elliptic-curve key with a key derivation scheme is not known here");
        return read with { CurveBits = curve == NistP256 ? 256 : 384, Unique = r.ReadSized().ToArray(), UniqueY = r.ReadSized().ToArray() };
    }
}
