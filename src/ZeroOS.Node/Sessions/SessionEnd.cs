using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Node.Sessions;

/// <summary>Why a session is over, and who has to be told: not the side that said so itself.</summary>
internal sealed record SessionEnd(SessionCloseReason Reason, string Sentence, bool TellClient = true, bool TellGuest = true)
{
    /// <summary>What went wrong here, for the log.</summary>
    public Exception? Fault { get; init; }
}
