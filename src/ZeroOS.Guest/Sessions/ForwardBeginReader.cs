using System.Text.Json.Serialization.Metadata;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Reads what begins a forwarding session, and each of its channels: the client's words, which nobody has looked at on their way.</summary>
internal static class ForwardBeginReader
{
    /// <summary>Why the session is not to be; empty when it is.</summary>
    internal static string RefusalOfSession(ReadOnlySpan<byte> body)
    {
        _ = TryRead(body, SessionJson.Default.ForwardSessionBegin, static _ => null, out string refusal);
        return refusal;
    }

    /// <summary>Reads the port of a channel; 0 with a sentence when it is not to be.</summary>
    internal static ushort TryReadPort(ReadOnlySpan<byte> body, out string refusal) =>
        (ushort)(TryRead(body, SessionJson.Default.ForwardBegin, static b => Refusal(b.Port), out refusal)?.Port ?? 0);

    private static string? Refusal(int port) => port is >= 1 and <= ushort.MaxValue ? null : $"{port} is no port; they go from 1 to {ushort.MaxValue}";

    private static T? TryRead<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type, Func<T, string?> refuse, out string refusal) where T : class
    {
        if (body.Length <= ForwardBegin.MaxBytes)
            return BeginReader.TryRead(body, type, refuse, out refusal);
        refusal = "what is to be done is too long";
        return null;
    }
}
