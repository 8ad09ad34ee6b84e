namespace ZeroOS.Contracts.Sessions;

/// <summary>What to do with a frame that came.</summary>
public enum SessionVerdict
{
    /// <summary>It belongs to the session: do what it says.</summary>
    Take,

    /// <summary>It was on its way when this side closed the channel: forget it.</summary>
    Forget,

    /// <summary>The peer broke the protocol: the session is over; <see cref="SessionChannels.Fault"/> says how.</summary>
    Break,
}
