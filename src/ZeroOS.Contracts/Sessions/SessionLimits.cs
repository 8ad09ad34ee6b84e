namespace ZeroOS.Contracts.Sessions;

/// <summary>What a session carries at most. Whoever goes beyond loses the session.</summary>
public static class SessionLimits
{
    /// <summary>Bytes of a frame's body.</summary>
    public const int BodyBytes = 64 * 1024;

    /// <summary>Bytes of a sentence in a close or a note, UTF-8.</summary>
    public const int SentenceBytes = 1024;

    /// <summary>Bytes that may be sent on a channel before its receiver has granted any.</summary>
    public const int FirstWindow = 16 * 1024;

    /// <summary>Credit of one channel, granted and not used.</summary>
    public const int WindowBytes = 16 << 20;

    /// <summary>Channels at once; one counts until both sides have closed it.</summary>
    public const int Channels = 1024;

    /// <summary>Of those, channels that one side opened and the other has said nothing on.</summary>
    public const int Unanswered = 64;

    /// <summary>Frames that cost no credit (all but data): so many a second, twice as many at once.</summary>
    public const int FramesPerSecond = 1000;
}
