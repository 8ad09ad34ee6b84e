using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Reads how an attach session joins the workload.</summary>
internal static class AttachBeginReader
{
    /// <summary>As <see cref="BeginReader.TryRead"/>.</summary>
    internal static AttachBegin? TryRead(ReadOnlySpan<byte> body, out string refusal) =>
        BeginReader.TryRead(body, SessionJson.Default.AttachBegin, static _ => null, out refusal);
}
