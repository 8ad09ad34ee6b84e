using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ZeroOS.Docker.Json;

/// <summary>
/// Docker's JSON. It is read and written as nodes: what a client sends has to be given back as it was, with members that nobody here knows, and their names
/// count without regard to case.
/// </summary>
internal static class Words
{
    private static readonly JsonNodeOptions s_anyCase = new() { PropertyNameCaseInsensitive = true };
    private static readonly JsonDocumentOptions s_document = new() { MaxDepth = 32 };

    /// <summary>Reads an object; nothing at all is an empty one.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static JsonObject Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
            return [];
        try
        {
            JsonObject read = JsonNode.Parse(utf8, s_anyCase, s_document) as JsonObject ?? throw new JsonException("it is no object");
            ReadAll(read);
            return read;
        }
        catch (ArgumentException e)
        {
            throw new JsonException($"a name is there twice: {e.Message}");
        }
    }

    // Nodes are read when somebody looks at them, and what is wrong in them is found only then.
    private static void ReadAll(JsonNode? node)
    {
        if (node is JsonObject set)
        {
            foreach ((_, JsonNode? value) in set)
                ReadAll(value);
        }
        else if (node is JsonArray list)
        {
            foreach (JsonNode? value in list)
                ReadAll(value);
        }
    }

    /// <summary>Reads what <see cref="Text(JsonNode)"/> wrote.</summary>
    public static JsonObject Parse(string text) => Parse(Encoding.UTF8.GetBytes(text));

    /// <summary>As it goes out.</summary>
    public static byte[] Bytes(JsonNode node) => Encoding.UTF8.GetBytes(node.ToJsonString());

    /// <summary>As it is kept; ASCII.</summary>
    public static string Text(JsonNode node) => node.ToJsonString();

    /// <summary>A text; null when it is absent, empty or something else.</summary>
    public static string? Text(this JsonObject from, string name) =>
        from[name] is JsonValue value && value.TryGetValue(out string? text) && text.Length > 0 ? text : null;

    /// <summary>A number; 0 when it is absent or something else.</summary>
    public static long Number(this JsonObject from, string name) =>
        from[name] is not JsonValue value ? 0 : value.TryGetValue(out long number) ? number : value.TryGetValue(out double fraction) ? (long)fraction : 0;

    /// <summary>A boolean; false when it is absent or something else.</summary>
    public static bool Flag(this JsonObject from, string name) => from[name] is JsonValue value && value.TryGetValue(out bool flag) && flag;

    /// <summary>An object; an empty one when it is absent.</summary>
    public static JsonObject Object(this JsonObject from, string name) => from[name] as JsonObject ?? [];

    /// <summary>Texts, given as a list or as one text; null when there is nothing of both.</summary>
    public static IReadOnlyList<string>? Strings(this JsonObject from, string name) => from[name] switch
    {
        JsonArray list => [.. list.OfType<JsonValue>().Select(v => v.TryGetValue(out string? text) ? text : "")],
        JsonValue value when value.TryGetValue(out string? text) => [text],
        _ => null,
    };

    /// <summary>Names and texts.</summary>
    public static IReadOnlyDictionary<string, string> Map(this JsonObject from, string name) => from.Object(name)
        .Where(p => p.Value is JsonValue v && v.TryGetValue(out string? _)).ToDictionary(p => p.Key, p => p.Value!.GetValue<string>(), StringComparer.Ordinal);

    /// <summary>Whether a value says nothing: clients send every member always.</summary>
    public static bool IsNothing(JsonNode? node) => node switch
    {
        null => true,
        JsonArray list => list.Count == 0,
        JsonObject set => set.Count == 0,
        JsonValue value when value.TryGetValue(out string? text) => text.Length == 0,
        JsonValue value when value.TryGetValue(out bool flag) => !flag,
        JsonValue value when value.TryGetValue(out double number) => number is 0 or -1,
        _ => false,
    };

    /// <summary>A list of texts.</summary>
    public static JsonArray List(IEnumerable<string> texts) => [.. texts.Select(t => (JsonNode)t)];

    /// <summary>Names and texts.</summary>
    public static JsonObject Map(IEnumerable<KeyValuePair<string, string>> texts) =>
        new(texts.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)t.Value)));

    /// <summary>A time as Docker writes it; the year 1 when there is none.</summary>
    public static string Time(DateTimeOffset? time) => time is { } t
        ? t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture) : "0001-01-01T00:00:00Z";
}
