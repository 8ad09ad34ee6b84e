using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client;

/// <summary>How sessions end, for people and for nodes.</summary>
public static class SessionEnds
{
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(1);

    /// <summary>Leaves a session that nobody has ended: the node is told why, but not waited for.</summary>
    public static async Task LeaveAsync(Session session, string why = "zos ended")
    {
        if (!session.Ended.IsCompleted)
            await session.CloseAsync(SessionCloseReason.Cancelled, why).WaitAsync(s_farewell).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Leaves a session whose program is to go on: the machine is told, and has a moment to hear it.</summary>
    public static async Task DetachAsync(Session session) =>
        await session.CloseAsync(SessionCloseReason.Done).WaitAsync(s_farewell).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Why a session is over, as a sentence that may be foreign.</summary>
    public static string Why(SessionException end) => end switch
    {
        { Message.Length: > 0 } => end.Message,
        { Reason: SessionCloseReason.MachineEnded } => "the machine ended",
        { Reason: SessionCloseReason.GrantEnded } => "the grant ended",
        { Reason: SessionCloseReason.NodeEnds } => "the node ends the session",
        _ => $"the session ended ({end.Reason})",
    };
}
