using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Node.Sessions;

/// <summary>
/// What the node knows of one side of a session: when its last whole frame came, whether a frame is unfinished, and how many frames without data it may send.
/// Times are milliseconds of one clock. One thread at a time says what came; any may ask for silence.
/// </summary>
internal sealed class RelaySide(long now)
{
    private double _tokens = 2 * SessionLimits.FramesPerSecond;
    private long _refilledAt = now;
    private long _heardAt = now;
    private volatile bool _unfinished;

    /// <summary>A frame has begun and has still to become whole.</summary>
    public bool Unfinished { set => _unfinished = value; }

    /// <summary>A whole frame came. False: there are more without data than anybody needs.</summary>
    public bool Heard(SessionFrameType type, long time)
    {
        Volatile.Write(ref _heardAt, time);
        _unfinished = false;
        if (type == SessionFrameType.Data)
            return true;
        _tokens = Math.Min(2 * SessionLimits.FramesPerSecond, _tokens + ((time - _refilledAt) / 1000.0 * SessionLimits.FramesPerSecond));
        _refilledAt = time;
        return --_tokens >= 0;
    }

    /// <summary>Nothing whole came for too long. It may also be that the other side takes nothing: then this one is not read.</summary>
    public bool IsSilent(long time) => time - Volatile.Read(ref _heardAt) > (_unfinished ? Session.FrameWithin : Session.Silence).TotalMilliseconds;
}
