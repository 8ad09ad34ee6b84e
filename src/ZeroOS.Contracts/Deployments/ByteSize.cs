using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>A number of bytes; in JSON an integer, or text of an integer and one of B, KiB, MiB, GiB, TiB. 0 to 2^53.</summary>
[JsonConverter(typeof(ByteSizeConverter))]
public readonly record struct ByteSize(long Bytes)
{
    private static readonly (string Suffix, int Shift)[] s_units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0), ("", 0)];

    /// <summary>Parses "512MiB"; false for anything else, and for what exceeds 2^53.</summary>
    public static bool TryParse(string text, out ByteSize size)
    {
        size = default;
        foreach ((string suffix, int shift) in s_units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            if (!long.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long n)
                || n > (1L << 53) >> shift)
                return false;
            size = new ByteSize(n << shift);
            return true;
        }
        return false;
    }

    /// <summary>The largest unit that divides it: "512MiB".</summary>
    public override string ToString()
    {
        long bytes = Bytes;
        (string suffix, int shift) = ("B", 0);
        foreach ((string name, int bits) in s_units)
        {
            if (bits > shift && bytes != 0 && bytes % (1L << bits) == 0)
                (suffix, shift) = (name, bits);
        }
        return (bytes >> shift).ToString(CultureInfo.InvariantCulture) + suffix;
    }
}

internal sealed class ByteSizeConverter : JsonConverter<ByteSize>
{
    public override ByteSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Number when reader.TryGetInt64(out long n) && n is >= 0 and <= 1L << 53 => new ByteSize(n),
        JsonTokenType.String when ByteSize.TryParse(reader.GetString()!, out ByteSize size) => size,
        _ => throw new JsonException("a size is a whole number of bytes, or text such as \"512MiB\""),
    };

    public override void Write(Utf8JsonWriter writer, ByteSize value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Bytes);
}
