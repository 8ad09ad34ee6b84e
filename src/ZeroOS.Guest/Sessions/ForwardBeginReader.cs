using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Reads what begins a forwarding session, and each of its channels: the client's words, which nobody has looked at on their way.</summary>
internal static class ForwardBeginReader
{
    /// <summary>Why the session is not to be; empty when it is.</summary>
    internal static string RefusalOfSession(ReadOnlySpan<byte> body)
    {
        _ = TryRead(body, SessionJson.Default.ForwardSessionBegin, out string refusal);
        return refusal;
    }

    /// <summary>Reads the port of a channel; 0 with a sentence when it is not to be.</summary>
    internal static ushort TryReadPort(ReadOnlySpan<byte> body, out string refusal)
    {
        if (TryRead(body, SessionJson.Default.ForwardBegin, out refusal) is not { } begin)
            return 0;
        if (begin.Port is >= 1 and <= ushort.MaxValue)
            return (ushort)begin.Port;
        refusal = $"{begin.Port} is no port; they go from 1 to {ushort.MaxValue}";
        return 0;
    }

    private static T? TryRead<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type, out string refusal) where T : class
    {
        try
        {
            T? begin = body.Length <= ForwardBegin.MaxBytes ? JsonSerializer.Deserialize(body, type) : null;
            refusal = begin is not null ? "" : body.Length > ForwardBegin.MaxBytes ? "what is to be forwarded is too long" : "there is nothing to forward";
            return begin;
        }
        catch (JsonException e)
        {
            refusal = $"what is to be forwarded cannot be read: {e.Message}";
            return null;
        }
    }
}
