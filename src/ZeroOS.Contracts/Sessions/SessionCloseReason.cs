namespace ZeroOS.Contracts.Sessions;

/// <summary>Why a channel or a session is over. A number that is not here is <see cref="Protocol"/>.</summary>
public enum SessionCloseReason : ushort
{
    /// <summary>Everything asked for was done.</summary>
    Done = 0,

    /// <summary>Whoever asked wants no more.</summary>
    Cancelled = 1,

    /// <summary>The peer did not keep to the protocol.</summary>
    Protocol = 2,

    /// <summary>What <see cref="SessionFrameType.Begin"/> asks for cannot be done; the sentence says why.</summary>
    Refused = 3,

    /// <summary>There is no such machine, file, port or blob.</summary>
    NotFound = 4,

    /// <summary>A limit is reached; the sentence names it.</summary>
    OverCapacity = 5,

    /// <summary>Nothing was heard from the peer for too long.</summary>
    TimedOut = 6,

    /// <summary>The machine ended.</summary>
    MachineEnded = 7,

    /// <summary>The grant ended.</summary>
    GrantEnded = 8,

    /// <summary>The node's process ends; the machine goes on.</summary>
    NodeEnds = 9,

    /// <summary>A fault on this side.</summary>
    Internal = 10,
}
