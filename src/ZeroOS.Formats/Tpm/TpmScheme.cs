namespace ZeroOS.Formats.Tpm;

/// <summary>A scheme and its hash; <see cref="None"/> where there is none, or where the user of the key decides.</summary>
public readonly record struct TpmScheme(TpmAlgorithm Algorithm, TpmAlgorithm Hash = TpmAlgorithm.None)
{
    /// <summary>TPM_ALG_NULL.</summary>
    public static readonly TpmScheme None = new(TpmAlgorithm.Null);

    internal void Write(TpmWriter to)
    {
        to.Algorithm(Algorithm);
        if (HasHash(Algorithm))
            to.Algorithm(Hash);
    }

    internal static TpmScheme Read(ref TpmReader from)
    {
        TpmAlgorithm algorithm = from.ReadAlgorithm();
        return new TpmScheme(algorithm, HasHash(algorithm) ? from.ReadAlgorithm() : TpmAlgorithm.None);
    }

    private static bool HasHash(TpmAlgorithm algorithm) => algorithm switch
    {
        TpmAlgorithm.Null or TpmAlgorithm.RsaEs => false,
        TpmAlgorithm.RsaSsa or TpmAlgorithm.RsaPss or TpmAlgorithm.Oaep or TpmAlgorithm.Ecdsa or TpmAlgorithm.Ecdh or TpmAlgorithm.Hmac
            or TpmAlgorithm.Kdf1Sp800108 => true,
        _ => throw new TpmException($"scheme 0x{(ushort)algorithm:x4} is not known here"),
    };
}
