using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Node.Sessions;

/// <summary>
/// What the node knows of one side of a session: when its last whole frame came, whether a frame is unfinished, and how many frames without data it may send.
/// Times are milliseconds of one clock. One thread at a time says what came; any may ask for silence.
/// </summary>
internal sealed class RelaySide(long now)
{
    private readonly FrameRate _rate = new(now);
    private long _heardAt = now;
    private volatile bool _unfinished;

    /// <summary>A frame has begun and has still to become whole.</summary>
    public bool Unfinished { set => _unfinished = value; }

    /// <summary>A whole frame came. False: there are more without data than anybody needs.</summary>
    public bool Heard(SessionFrameType type, long time)
    {
        Volatile.Write(ref _heardAt, time);
        _unfinished = false;
        return type == SessionFrameType.Data || _rate.TryTake(time);
    }

    /// <summary>Nothing whole came for too long. It may also be that the other side takes nothing: then this one is not read.</summary>
    public bool IsSilent(long time) => time - Volatile.Read(ref _heardAt) > (_unfinished ? Session.FrameWithin : Session.Silence).TotalMilliseconds;
}
