using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace ZeroOS.Bus.Json;

/// <summary>What numbers a text may hold.</summary>
public enum Numbers
{
    /// <summary>Whole numbers from -2^53 to 2^53, without fraction or exponent: everything a node is told.</summary>
    Integers,

    /// <summary>Fractions too: what a node measured and tells.</summary>
    Any,
}

/// <summary>
/// The one reader pass before any JSON is believed. System.Text.Json lets duplicate names (the last wins), nulls for what must not be null, and numbers no
/// two readers agree on pass; two programs that read one signed text differently are an attack. It refuses: invalid UTF-8, a byte-order mark, comments,
/// trailing commas and bytes, depth over 16, duplicate names after unescaping, lone surrogates, null, and numbers outside the rule.
/// </summary>
public static class StrictJson
{
    /// <summary>How deep objects and arrays may nest.</summary>
    public const int MaxDepth = 16;

    private static readonly JsonReaderOptions s_options = new() { MaxDepth = MaxDepth };

    /// <summary>Whether the text is one JSON value by the rules; the fault is a phrase for a log or an answer. Never throws.</summary>
    public static bool TryCheck(ReadOnlySpan<byte> utf8, [NotNullWhen(false)] out string? fault, Numbers numbers = Numbers.Integers)
    {
        if (!Utf8.IsValid(utf8))
        {
            fault = "not UTF-8";
            return false;
        }
        try
        {
            fault = Check(utf8, numbers);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is how the reader says that an escaped surrogate stands alone.
            fault = e is JsonException j ? $"not JSON at line {j.LineNumber + 1}" : "a text with half a character";
        }
        return fault is null;
    }

    /// <summary>Checks, then reads a value by its contract.</summary>
    public static bool TryRead<T>(ReadOnlySpan<byte> utf8, JsonTypeInfo<T> type, [NotNullWhen(true)] out T? value, [NotNullWhen(false)] out JsonFault? fault,
        Numbers numbers = Numbers.Integers) where T : class
    {
        value = null;
        if (!TryCheck(utf8, out string? reason, numbers))
        {
            fault = new JsonFault(reason, null);
            return false;
        }
        try
        {
            value = JsonSerializer.Deserialize(utf8, type);
            fault = value is null ? new JsonFault("nothing there", null) : null;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or FormatException or ArgumentException)
        {
            // NotSupportedException: a polymorphic contract without its discriminator.
            fault = JsonFault.From(e);
        }
        return fault is null;
    }

    private static string? Check(ReadOnlySpan<byte> utf8, Numbers numbers)
    {
        Utf8JsonReader reader = new(utf8, s_options);
        Stack<HashSet<string>> objects = new();
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    objects.Push(new HashSet<string>(StringComparer.Ordinal));
                    break;
                case JsonTokenType.EndObject:
                    objects.Pop();
                    break;
                case JsonTokenType.PropertyName when reader.GetString() is string name && !objects.Peek().Add(name):
                    return $"the name \"{Shorten(name)}\" twice";
                case JsonTokenType.String when reader.ValueIsEscaped:
                    _ = reader.GetString();     // unescaping is what finds half a surrogate pair
                    break;
                case JsonTokenType.Null:
                    return "null";
                case JsonTokenType.Number when numbers == Numbers.Integers && !IsWhole(ref reader):
                    return "a number that is not whole or beyond 2^53";
            }
        }
        return null;
    }

    private static bool IsWhole(ref Utf8JsonReader reader) =>
        !reader.ValueSpan.ContainsAny((byte)'.', (byte)'e', (byte)'E') && !reader.ValueSpan.SequenceEqual("-0"u8)
        && reader.TryGetInt64(out long number) && number is >= -(1L << 53) and <= 1L << 53;

    private static string Shorten(string name) => name.Length <= 40 ? name : name[..40] + "…";
}
