using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Reads what is to be copied: the client's words, which nobody has looked at on their way.</summary>
internal static class CopyBeginReader
{
    /// <summary>Reads it; null with a sentence when it is not to be done.</summary>
    internal static CopyBegin? TryRead(ReadOnlySpan<byte> body, out string refusal)
    {
        try
        {
            CopyBegin? begin = JsonSerializer.Deserialize(body, SessionJson.Default.CopyBegin);
            refusal = begin is null ? "there is nothing to copy" : Refusal(begin.Path);
            return refusal.Length == 0 ? begin : null;
        }
        catch (JsonException e)
        {
            refusal = $"what is to be copied cannot be read: {e.Message}";
            return null;
        }
    }

    private static string Refusal(string path) =>
        path is not ['/', ..] ? "the path is not absolute"
        : path.Contains('\0', StringComparison.Ordinal) ? "the path has a zero byte"
        : Encoding.UTF8.GetByteCount(path) > CopyBegin.MaxPathBytes ? $"the path has more than {CopyBegin.MaxPathBytes} bytes"
        : "";
}
