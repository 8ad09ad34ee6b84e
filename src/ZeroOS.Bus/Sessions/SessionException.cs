using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Bus.Sessions;

/// <summary>A session, or a channel of it, is over before what was wanted of it was done.</summary>
public sealed class SessionException(SessionCloseReason reason, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public SessionCloseReason Reason { get; } = reason;
}
