namespace ZeroOS.Contracts.Sessions;

/// <summary>What a frame of a session says. Bodies are those of <see cref="SessionFrame"/>; numbers are little-endian.</summary>
public enum SessionFrameType : byte
{
    /// <summary>Client, once a channel: JSON, what to do. Nothing happens before it.</summary>
    Begin = 1,

    /// <summary>Bytes of the channel, within the peer's credit.</summary>
    Data = 2,

    /// <summary>u32: so many bytes more may be sent on the channel.</summary>
    Window = 3,

    /// <summary>No more data from here; the other direction goes on.</summary>
    HalfClose = 4,

    /// <summary>u16, a <see cref="SessionCloseReason"/>, then a sentence: the channel is over in both directions.</summary>
    Close = 5,

    /// <summary>Client: u16 columns, u16 rows of the terminal.</summary>
    Resize = 6,

    /// <summary>Client: u8, a signal for the program.</summary>
    Signal = 7,

    /// <summary>The program's end: i32 exit code, after the half-closes of its output.</summary>
    Exit = 8,

    /// <summary>On the session: "I am here". No body.</summary>
    KeepAlive = 9,

    /// <summary>On the session: what this side seals from the next frame on has the next key. No body.</summary>
    Rekey = 10,

    /// <summary>A sentence for whoever watches, as "output closed: a child holds it open".</summary>
    Note = 11,
}
