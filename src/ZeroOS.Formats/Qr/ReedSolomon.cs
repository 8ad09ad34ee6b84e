namespace ZeroOS.Formats.Qr;

/// <summary>Reed-Solomon code words over GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (ISO/IEC 18004, section 7.5.2).</summary>
internal static class ReedSolomon
{
    /// <summary>Fills <paramref name="correction"/> with the remainder of <paramref name="data"/> divided by the generator of that degree.</summary>
    internal static void Correct(ReadOnlySpan<byte> data, Span<byte> correction)
    {
        Span<byte> generator = stackalloc byte[correction.Length];
        Generate(generator);
        correction.Clear();
        foreach (byte word in data)
        {
            byte factor = (byte)(word ^ correction[0]);
            correction[1..].CopyTo(correction);
            correction[^1] = 0;
            for (int i = 0; i < correction.Length; i++)
                correction[i] ^= Multiply(generator[i], factor);
        }
    }

    // The product of (x - 2^i), its leading 1 left out.
    private static void Generate(Span<byte> generator)
    {
        generator.Clear();
        generator[^1] = 1;
        byte root = 1;
        for (int i = 0; i < generator.Length; i++)
        {
            for (int j = 0; j < generator.Length; j++)
                generator[j] = (byte)(Multiply(generator[j], root) ^ (j + 1 < generator.Length ? generator[j + 1] : 0));
            root = Multiply(root, 2);
        }
    }

    private static byte Multiply(int x, int y)
    {
        int product = 0;
        for (int i = 7; i >= 0; i--)
        {
            product = (product << 1) ^ ((product >> 7) * 0x11D);
            product ^= ((y >> i) & 1) * x;
        }
        return (byte)product;
    }
}
