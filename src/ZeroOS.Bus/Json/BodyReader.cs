using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Json;

/// <summary>Reads the body of a message whose bytes the strict pass has seen.</summary>
public static class BodyReader
{
    private static readonly JsonElement s_empty = JsonDocument.Parse("{}").RootElement;

    /// <summary>The body by its contract; an absent one counts as an empty object.</summary>
    /// <exception cref="BusErrorException">invalid, with the field.</exception>
    public static T Read<T>(JsonElement? body, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return (body ?? s_empty).Deserialize(type) ?? throw new JsonException("nothing there");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or FormatException or ArgumentException)
        {
            JsonFault fault = JsonFault.From(e);
            throw new BusErrorException(ErrorCodes.Invalid, fault.Message, fault.Path);
        }
    }
}
