using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Bus;

/// <summary>Times on the bus: UTC with a capital Z, RFC 3339, to the tenth of a microsecond; no other offset is accepted, so a time has one reading.</summary>
public sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    /// <summary>Parses text of that form.</summary>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
        && DateTimeOffset.TryParseExact(reader.GetString(), Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time
            : throw new JsonException("a time is UTC with Z, as 2026-11-22T09:30:00Z");

    /// <summary>Writes that form.</summary>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToUniversalTime().ToString(Format, CultureInfo.InvariantCulture));
}
