using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Docker.Http;

/// <summary>What stands behind the question mark, as Docker reads it. A name that comes twice counts the first time.</summary>
internal sealed class DockerQuery
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Takes "a=b&amp;c=d" apart, with or without the question mark.</summary>
    public DockerQuery(string? query)
    {
        foreach (string part in (query ?? "").TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            (string name, string value) = equals < 0 ? (part, "") : (part[..equals], part[(equals + 1)..]);
            _values.TryAdd(Decode(name), Decode(value));
        }
    }

    /// <summary>The value; null when it is absent or empty.</summary>
    public string? Text(string name) => _values.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

    /// <summary>Docker's idea of a boolean: anything but nothing, 0 and false.</summary>
    public bool Flag(string name) => Text(name)?.ToUpperInvariant() is not (null or "0" or "FALSE" or "NO" or "NONE");

    /// <summary>A whole number.</summary>
    /// <exception cref="DockerFault">It is none.</exception>
    public int? Number(string name) => Text(name) is not { } text ? null
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number
        : throw DockerFault.Bad($"{name}={text} is no number");

    /// <summary>The size of a terminal, "h" rows and "w" columns; null when either is absent or 0.</summary>
    /// <exception cref="DockerFault">A terminal has none such.</exception>
    public TerminalSize? Size() => (Number("h") ?? 0, Number("w") ?? 0) switch
    {
        ( >= 0 and <= ushort.MaxValue and var rows, >= 0 and <= ushort.MaxValue and var columns) =>
            rows > 0 && columns > 0 ? new TerminalSize((ushort)columns, (ushort)rows) : null,
        _ => throw DockerFault.Bad("a terminal has at most 65535 rows and columns"),
    };

    /// <summary>Seconds since 1970, perhaps with a fraction; null when absent or 0.</summary>
    /// <exception cref="DockerFault">It is none.</exception>
    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds) || seconds > 32_503_680_000)
            throw DockerFault.Bad($"{name}={text} is no time in seconds since 1970");
        return seconds == 0 ? null : DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
    }

    /// <summary>The filters, in either of the forms {"label":["a=b"]} and {"label":{"a=b":true}}.</summary>
    /// <exception cref="DockerFault">Neither of them.</exception>
    public IReadOnlyDictionary<string, string[]> Filters()
    {
        Dictionary<string, string[]> filters = new(StringComparer.Ordinal);
        if (Text("filters") is not { } text)
            return filters;
        try
        {
            foreach ((string key, JsonNode? values) in JsonNode.Parse(text)!.AsObject())
            {
                filters[key] = values switch
                {
                    JsonArray list => [.. list.Select(v => v!.GetValue<string>())],
                    JsonObject set => [.. set.Where(v => v.Value is not JsonValue b || !b.TryGetValue(out bool on) || on).Select(v => v.Key)],
                    _ => throw new JsonException(),
                };
            }
            return filters;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw DockerFault.Bad($"filters={text} are no filters such as {{\"label\":[\"a=b\"]}}");
        }
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
