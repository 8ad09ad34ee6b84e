using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// What the client has said on one channel of a forwarding session and nobody has taken yet. The receiving thread fills it, the session's own empties it. It
/// holds one window of data at most, and memory for it only while some waits. Thread-safe.
/// </summary>
/// <param name="channel">The channel.</param>
/// <param name="port">Where its connection goes; 0: nowhere.</param>
/// <param name="refusal">Why it goes nowhere; empty when it does.</param>
internal sealed class ForwardInbox(uint channel, ushort port, string refusal)
{
    private readonly Lock _lock = new();
    private ByteQueue? _data;
    private bool _ended, _closed;

    /// <summary>The channel.</summary>
    internal uint Channel => channel;

    /// <summary>Where its connection goes; 0: nowhere.</summary>
    internal ushort Port => port;

    /// <summary>Why it goes nowhere.</summary>
    internal string Refusal => refusal;

    /// <summary>Nothing follows <see cref="Oldest"/>. Ask before that is empty, not after.</summary>
    internal bool IsEnded
    {
        get
        {
            lock (_lock)
                return _ended;
        }
    }

    /// <summary>The client wants nothing more in either direction.</summary>
    internal bool IsClosed
    {
        get
        {
            lock (_lock)
                return _closed;
        }
    }

    /// <summary>The oldest bytes that lie in one piece, empty when there are none; they stay until <see cref="Drop"/>.</summary>
    internal ReadOnlySpan<byte> Oldest
    {
        get
        {
            lock (_lock)
                return _data is null ? default : _data.Oldest;
        }
    }

    /// <summary>Takes a frame of the channel.</summary>
    internal void Take(in SessionFrame frame)
    {
        lock (_lock)
        {
            switch (frame.Type)
            {
                case SessionFrameType.Data:
                    _data ??= new ByteQueue(SessionLimits.FirstWindow);
                    _data.Add(frame.Body);
                    break;
                case SessionFrameType.HalfClose:
                    _ended = true;
                    break;
                case SessionFrameType.Close:
                    _closed = true;
                    _data = null;
                    break;
            }
        }
    }

    /// <summary>Forgets the oldest <paramref name="count"/> bytes.</summary>
    internal void Drop(int count)
    {
        lock (_lock)
        {
            _data?.Drop(count);
            if (_data is { Oldest.IsEmpty: true })
                _data = null;
        }
    }
}
