using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ZeroOS.Guest.Sessions;

/// <summary>Reads what a session is to do: the client's words, which nobody has looked at on their way.</summary>
internal static class BeginReader
{
    /// <summary>Reads it; null with a sentence when it is not to be done.</summary>
    /// <param name="body">UTF-8 JSON.</param>
    /// <param name="type">What it has to be.</param>
    /// <param name="refuse">What is wrong with it, a sentence; null when nothing is.</param>
    /// <param name="refusal">Why not; empty when it is to be done.</param>
    internal static T? TryRead<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type, Func<T, string?> refuse, out string refusal) where T : class
    {
        try
        {
            T? begin = JsonSerializer.Deserialize(body, type);
            refusal = begin is null ? "there is nothing to do" : refuse(begin) ?? "";
            return refusal.Length == 0 ? begin : null;
        }
        catch (JsonException e)
        {
            refusal = $"what is to be done cannot be read: {e.Message}";
            return null;
        }
    }
}
