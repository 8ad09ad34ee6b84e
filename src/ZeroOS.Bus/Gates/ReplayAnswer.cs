namespace ZeroOS.Bus.Gates;

/// <summary>What <see cref="IReplayStore"/> says about a message's id.</summary>
public enum ReplayAnswer
{
    /// <summary>New, and remembered now.</summary>
    Fresh,

    /// <summary>Seen before.</summary>
    Replayed,

    /// <summary>The key has as many live ids as it may.</summary>
    Full,
}
