using System.Buffers.Binary;

namespace ZeroOS.Tests.Fuzz;

/// <summary>Changes bytes as attackers and bad disks do: single bytes, lengths, words of text, pieces that are gone, doubled, or of another input.</summary>
internal static class Mutation
{
    private static readonly ulong[] s_numbers = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, int.MaxValue, 0x80000000, uint.MaxValue,
        long.MaxValue, 1UL << 63, ulong.MaxValue];

    private static readonly byte[][] s_words =
    [
        .. new[] { "null", "{}", "[]", "\"\"", "-1", "1e999", "9223372036854775808", "18446744073709551616", "true", "\\u0000", "\\ud800", ",", ":", "\"", "{",
            "[", "../", "\r\n", "%00", "=" }
            .Select(System.Text.Encoding.ASCII.GetBytes),
    ];

    /// <summary>A changed copy of <paramref name="bytes"/>, of at most <paramref name="maxBytes"/> bytes.</summary>
    public static byte[] Of(byte[] bytes, byte[] other, int maxBytes, Random random)
    {
        byte[] result = [.. bytes];
        for (int changes = 1 << random.Next(4); changes > 0; changes--)
            result = Once(result, other, random);
        return result.Length <= maxBytes ? result : result[..maxBytes];
    }

    private static byte[] Once(byte[] bytes, byte[] other, Random random)
    {
        if (bytes.Length == 0)
            return [(byte)random.Next(256)];
        int at = random.Next(bytes.Length);
        switch (random.Next(12))
        {
            case 0 or 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2 or 3:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 4 or 5:
                WriteNumber(bytes.AsSpan(at), s_numbers[random.Next(s_numbers.Length)], random);
                return bytes;
            case 6:
                bytes[at] = bytes[random.Next(bytes.Length)];
                return bytes;
            case 7:
                return bytes[..at];
            case 8:
                return Replace(bytes, at, random.Next(1 + Math.Min(64, bytes.Length - at)), []);
            case 9:
                return Replace(bytes, at, random.Next(8), s_words[random.Next(s_words.Length)]);
            case 10:
                return Replace(bytes, at, 0, Piece(bytes, random));
            default:
                return Replace(bytes, at, random.Next(64), Piece(other, random));
        }
    }

    private static ReadOnlySpan<byte> Piece(byte[] bytes, Random random)
    {
        int at = random.Next(bytes.Length + 1);
        return bytes.AsSpan(at, random.Next(1 + Math.Min(random.Next(8) == 0 ? 4096 : 64, bytes.Length - at)));
    }

    private static byte[] Replace(byte[] bytes, int at, int length, ReadOnlySpan<byte> by) =>
        [.. bytes.AsSpan(0, at), .. by, .. bytes.AsSpan(Math.Min(bytes.Length, at + length))];

    private static void WriteNumber(Span<byte> at, ulong number, Random random)
    {
        Span<byte> whole = stackalloc byte[8];
        int width = 1 << random.Next(1, 4);
        if (random.Next(2) == 0)
            BinaryPrimitives.WriteUInt64LittleEndian(whole, number);
        else
            BinaryPrimitives.WriteUInt64BigEndian(whole, number << (64 - (8 * width)));
        whole[..Math.Min(width, at.Length)].CopyTo(at);
    }
}
