namespace ZeroOS.Contracts.Sessions;

/// <summary>One channel as one end sees it. Bytes; the credit of a direction never goes below zero nor above <see cref="SessionLimits.WindowBytes"/>.</summary>
internal sealed class SessionChannel
{
    /// <summary>This end may send so many bytes.</summary>
    public long MaySend { get; set; } = SessionLimits.FirstWindow;

    /// <summary>The peer may send so many bytes: memory that this end has reserved.</summary>
    public long MayCome { get; set; } = SessionLimits.FirstWindow;

    /// <summary>How much the peer may have on its way at once.</summary>
    public long Window { get; set; } = SessionLimits.FirstWindow;

    /// <summary>What came and was taken, and was not granted again yet.</summary>
    public long Taken { get; set; }

    /// <summary>The peer has said something on it.</summary>
    public bool Answered { get; set; }

    /// <summary>This end sends no more data.</summary>
    public bool EndedHere { get; set; }

    /// <summary>The peer sends no more data.</summary>
    public bool EndedThere { get; set; }

    /// <summary>This end has closed it.</summary>
    public bool ClosedHere { get; set; }

    /// <summary>The peer has closed it.</summary>
    public bool ClosedThere { get; set; }
}
