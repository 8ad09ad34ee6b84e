using System.Text.Json;
using System.Text.Json.Serialization;

using ZeroOS.Contracts.Guest;

namespace ZeroOS.Contracts.Bus;

/// <summary>
/// Output that follows each other in one stream, and came at one time. A piece may have thousands, so it is an array in JSON: <c>["stdout",12]</c>, or with a
/// time <c>["stdout",12,250]</c>.
/// </summary>
/// <param name="Stream">Which of the machine's streams.</param>
/// <param name="Bytes">How much of the piece's data, 1 to <see cref="LogPiece.MaxBytes"/>.</param>
/// <param name="Milliseconds">When it came, from the piece's time on; below 0 after the node's clock was set back. Null: nobody asked, or nobody knows.</param>
[JsonConverter(typeof(LogRunConverter))]
public readonly record struct LogRun(OutputStream Stream, int Bytes, long? Milliseconds);

internal sealed class LogRunConverter : JsonConverter<LogRun>
{
    private const string Stdout = "stdout", Stderr = "stderr";

    public override LogRun Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.StartArray && reader.Read() && reader.TokenType == JsonTokenType.String
            && StreamOf(ref reader) is OutputStream stream
            && reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int bytes) && bytes is > 0 and <= LogPiece.MaxBytes
            && reader.Read())
        {
            long? milliseconds = null;
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long n) && n is > -(1L << 53) and < 1L << 53 && reader.Read())
                milliseconds = n;
            if (reader.TokenType == JsonTokenType.EndArray)
                return new LogRun(stream, bytes, milliseconds);
        }
        throw new JsonException("a run of output is its stream, its bytes, and perhaps its time, as [\"stdout\",12,250]");
    }

    public override void Write(Utf8JsonWriter writer, LogRun value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteStringValue(value.Stream == OutputStream.StandardError ? Stderr : Stdout);
        writer.WriteNumberValue(value.Bytes);
        if (value.Milliseconds is long milliseconds)
            writer.WriteNumberValue(milliseconds);
        writer.WriteEndArray();
    }

    private static OutputStream? StreamOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals(Stdout) ? OutputStream.StandardOutput : reader.ValueTextEquals(Stderr) ? OutputStream.StandardError : null;
}
