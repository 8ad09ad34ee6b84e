using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Why a session is over.</summary>
/// <param name="Reason">As a close says it.</param>
/// <param name="Sentence">For the client.</param>
/// <param name="IsOurs">This side ends it, and says so to the peer; otherwise the peer closed it, or is gone.</param>
internal sealed record SessionEnd(SessionCloseReason Reason, string Sentence, bool IsOurs = true);
