namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// The channels of one session, as one of its ends keeps them: numbers, credit and ends in both directions. It does no input or output. What the peer sends is
/// hostile: <see cref="Receive"/> decides about each frame and never throws. What this end sends wrongly is a fault of ours and throws. Times are
/// milliseconds of one clock. Not thread-safe.
/// </summary>
/// <param name="opens">This end is the client: it alone opens channels.</param>
/// <param name="now">The time at which the session began.</param>
public sealed class SessionChannels(bool opens, long now)
{
    private readonly Dictionary<uint, SessionChannel> _channels = [];
    private long _highest = -1;
    private int _unanswered;
    private bool _began;
    private bool _closedHere;
    private bool _closedThere;
    private readonly FrameRate _rate = new(now);

    /// <summary>Channels that one of both sides has not closed yet.</summary>
    public int Count => _channels.Count;

    /// <summary>The peer, or this end, closed the whole session.</summary>
    public bool IsClosed => _closedHere || _closedThere;

    /// <summary>What the peer did wrong, a sentence; empty while nothing.</summary>
    public string Fault { get; private set; } = "";

    /// <summary>Makes the channels that a kind of session has from its beginning, numbered from 0.</summary>
    public void Make(int count)
    {
        for (uint i = 0; i < count; i++)
            _channels.Add(i, new SessionChannel { Answered = true });
        _highest = count - 1;
    }

    /// <summary>Opens the next channel, whose <see cref="SessionFrameType.Begin"/> has to follow; false while there are too many.</summary>
    /// <exception cref="InvalidOperationException">A fault of ours: the client opens channels, and only in a session that goes on.</exception>
    public bool TryOpen(out uint number)
    {
        if (!opens || IsClosed)
            throw new InvalidOperationException("only the client opens channels, and only in a session that is not over");
        number = (uint)(_highest + 1);
        if (_channels.Count >= SessionLimits.Channels || _unanswered >= SessionLimits.Unanswered || number == SessionFrame.SessionChannel)
            return false;
        _highest = number;
        _unanswered++;
        _channels.Add(number, new SessionChannel());
        return true;
    }

    /// <summary>Data bytes that may be sent on the channel now; 0 also when it is over.</summary>
    public int MaySend(uint channel) =>
        _channels.TryGetValue(channel, out SessionChannel? c) && c is { EndedHere: false, ClosedHere: false, ClosedThere: false } && !IsClosed
            ? (int)Math.Min(c.MaySend, SessionLimits.BodyBytes)
            : 0;

    /// <summary>
    /// Bytes of the channel's data went on to whoever wants them. Returns what to grant by a <see cref="SessionFrameType.Window"/>, or 0: half a window is
    /// granted at once, because small windows are many frames.
    /// </summary>
    public uint Taken(uint channel, int bytes)
    {
        if (!_channels.TryGetValue(channel, out SessionChannel? c))
            return 0;
        c.Taken += bytes;
        return c is { EndedThere: false, ClosedThere: false, ClosedHere: false } && c.Taken >= c.Window / 2 ? Grant(c) : 0;
    }

    /// <summary>
    /// More memory is reserved for the channel, or less: the peer may have <paramref name="bytes"/> on its way. Returns what to grant now, or 0.
    /// </summary>
    public uint SetWindow(uint channel, int bytes)
    {
        if (!_channels.TryGetValue(channel, out SessionChannel? c))
            return 0;
        c.Taken += bytes - c.Window;
        c.Window = bytes;
        return c.Taken > 0 ? Grant(c) : 0;
    }

    /// <summary>Notes a frame that this end sends.</summary>
    /// <exception cref="InvalidOperationException">A fault of ours: the frame does not fit what was sent before.</exception>
    public void Sent(in SessionFrame frame)
    {
        if (IsClosed)
            throw new InvalidOperationException($"{frame.Type} after the session's end");
        if (frame.Channel == SessionFrame.SessionChannel)
        {
            _closedHere |= frame.Type == SessionFrameType.Close;
            return;
        }
        if (!_channels.TryGetValue(frame.Channel, out SessionChannel? channel) || channel.ClosedHere)
            throw new InvalidOperationException($"{frame.Type} on channel {frame.Channel}, which is closed");
        switch (frame.Type)
        {
            case SessionFrameType.Data when channel.EndedHere || frame.Body.Length > channel.MaySend:
                throw new InvalidOperationException($"{frame.Body.Length} bytes on channel {frame.Channel}, which has {channel.MaySend} of credit");
            case SessionFrameType.Data:
                channel.MaySend -= frame.Body.Length;
                break;
            case SessionFrameType.HalfClose:
                channel.EndedHere = true;
                break;
            case SessionFrameType.Close:
                channel.ClosedHere = true;
                Settle(frame.Channel, channel);
                break;
        }
    }

    /// <summary>Decides about a frame that came.</summary>
    public SessionVerdict Receive(in SessionFrame frame, long time)
    {
        if (Fault.Length > 0)
            return SessionVerdict.Break;
        if (_closedThere)
            return Break($"{frame.Type} after the session's close");
        if (frame.Type != SessionFrameType.Data && !_rate.TryTake(time))
            return Break($"more than {SessionLimits.FramesPerSecond} frames a second without data");
        return frame.Channel == SessionFrame.SessionChannel ? ReceiveOnSession(frame) : ReceiveOnChannel(frame);
    }

    private SessionVerdict ReceiveOnSession(in SessionFrame frame)
    {
        switch (frame.Type)
        {
            case SessionFrameType.Begin when opens || _began:
                return Break("a second begin, or one from the side that does not open");
            case SessionFrameType.Begin:
                _began = true;
                break;
            case SessionFrameType.Close:
                _closedThere = true;
                break;
        }
        return _closedHere && frame.Type != SessionFrameType.Close ? SessionVerdict.Forget : SessionVerdict.Take;
    }

    private SessionVerdict ReceiveOnChannel(in SessionFrame frame)
    {
        if (!opens && !_began)
            return Break("a frame before the session's begin");
        if (frame.Type == SessionFrameType.Begin)
            return BeginChannel(frame.Channel);
        if (!_channels.TryGetValue(frame.Channel, out SessionChannel? channel) || channel.ClosedThere)
            return Break($"{frame.Type} on channel {frame.Channel}, which is not open");
        if (!channel.Answered)
        {
            channel.Answered = true;
            _unanswered--;
        }
        if (Wrong(frame, channel) is string wrong)
            return Break($"{wrong} on channel {frame.Channel}");
        bool forget = (channel.ClosedHere || _closedHere) && frame.Type != SessionFrameType.Close;
        switch (frame.Type)
        {
            case SessionFrameType.Data:
                channel.MayCome -= frame.Body.Length;
                break;
            case SessionFrameType.Window:
                channel.MaySend += frame.Credit;
                break;
            case SessionFrameType.HalfClose:
                channel.EndedThere = true;
                break;
            case SessionFrameType.Close:
                channel.ClosedThere = true;
                Settle(frame.Channel, channel);
                break;
        }
        return forget ? SessionVerdict.Forget : SessionVerdict.Take;
    }

    private string? Wrong(in SessionFrame frame, SessionChannel channel) => frame.Type switch
    {
        SessionFrameType.Data when channel.EndedThere => "data after its end",
        SessionFrameType.Data when frame.Body.Length > channel.MayCome => $"{frame.Body.Length} bytes with {channel.MayCome} of credit",
        SessionFrameType.Window when frame.Credit == 0 || channel.MaySend + frame.Credit > SessionLimits.WindowBytes
            => "a window that is none, or too large",
        SessionFrameType.HalfClose when channel.EndedThere => "a second end",
        SessionFrameType.Resize or SessionFrameType.Signal when opens => $"a {frame.Type} from the program's side",
        SessionFrameType.Exit when !opens => "an exit from the client",
        _ => null,
    };

    private SessionVerdict BeginChannel(uint number)
    {
        if (opens || number <= _highest)
            return Break($"a begin on channel {number}, which was there before");
        if (_channels.Count >= SessionLimits.Channels)
            return Break($"more than {SessionLimits.Channels} channels");
        _highest = number;
        _channels.Add(number, new SessionChannel { Answered = true });
        return _closedHere ? SessionVerdict.Forget : SessionVerdict.Take;
    }

    private void Settle(uint number, SessionChannel channel)
    {
        if (!channel.ClosedHere || !channel.ClosedThere)
            return;
        _channels.Remove(number);
        _unanswered -= channel.Answered ? 0 : 1;
    }

    private SessionVerdict Break(string fault)
    {
        Fault = fault;
        return SessionVerdict.Break;
    }

    private static uint Grant(SessionChannel channel)
    {
        uint bytes = (uint)channel.Taken;
        channel.MayCome += bytes;
        channel.Taken = 0;
        return bytes;
    }
}
