namespace ZeroOS.Bus.Keys;

/// <summary>Base58 with Bitcoin's alphabet, for 32-byte values only: the one text a key id has.</summary>
public static class Base58
{
    /// <summary>The longest text of 32 bytes.</summary>
    public const int MaxChars = 44;

    private const int ValueBytes = 32;
    private const string Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    /// <summary>The text of 32 bytes.</summary>
    public static string Encode(ReadOnlySpan<byte> value)
    {
        if (value.Length != ValueBytes)
            throw new ArgumentException($"base58 here is of {ValueBytes} bytes, not {value.Length}", nameof(value));
        Span<byte> number = stackalloc byte[ValueBytes];
        value.CopyTo(number);
        Span<char> text = stackalloc char[MaxChars];
        int at = text.Length;
        while (number.ContainsAnyExcept((byte)0))
        {
            int remainder = 0;
            for (int i = 0; i < ValueBytes; i++)
            {
                int digit = (remainder << 8) | number[i];
                number[i] = (byte)(digit / 58);
                remainder = digit % 58;
            }
            text[--at] = Alphabet[remainder];
        }
        for (int i = 0; i < ValueBytes && value[i] == 0; i++)
            text[--at] = Alphabet[0];
        return new string(text[at..]);
    }

    /// <summary>Decodes text that is exactly what <see cref="Encode"/> gives for some 32 bytes; false for everything else.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> value)
    {
        if (text.Length is 0 or > MaxChars || value.Length != ValueBytes)
            return false;
        value.Clear();
        foreach (char c in text)
        {
            int carry = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (carry < 0)
                return false;
            for (int i = ValueBytes - 1; i >= 0; i--)
            {
                carry += value[i] * 58;
                value[i] = (byte)carry;
                carry >>= 8;
            }
            if (carry != 0)
                return false;
        }
        // Too few or too many leading ones would be a second text of the same key.
        return text.SequenceEqual(Encode(value));
    }
}
