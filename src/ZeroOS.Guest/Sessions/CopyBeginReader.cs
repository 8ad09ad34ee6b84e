using System.Text;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Reads what is to be copied.</summary>
internal static class CopyBeginReader
{
    /// <summary>As <see cref="BeginReader.TryRead"/>.</summary>
    internal static CopyBegin? TryRead(ReadOnlySpan<byte> body, out string refusal) =>
        BeginReader.TryRead(body, SessionJson.Default.CopyBegin, static b => Refusal(b.Path), out refusal);

    private static string? Refusal(string path) =>
        path is not ['/', ..] ? "the path is not absolute"
        : path.Contains('\0', StringComparison.Ordinal) ? "the path has a zero byte"
        : Encoding.UTF8.GetByteCount(path) > CopyBegin.MaxPathBytes ? $"the path has more than {CopyBegin.MaxPathBytes} bytes"
        : null;
}
