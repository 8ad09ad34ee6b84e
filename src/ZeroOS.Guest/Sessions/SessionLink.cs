using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// zguest's end of one session: the connection to the node, its frames, credit and signs of life. Its owner's thread is the only one that sends, and may wait
/// for the node in it; another thread receives, and waits for nobody.
/// </summary>
internal sealed class SessionLink : IDisposable
{
    private const long KeepAliveEveryMs = 30_000, SilenceMs = 90_000;

    // A socket that is closed with unread bytes in it is reset, and the peer may lose what was sent last: who closes goes on reading until the peer hangs up.
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(2);

    private readonly StreamSocket _socket;
    private readonly ISessionFrames _frames;
    private readonly SessionChannels _channels = new(opens: false, Environment.TickCount64);
    private readonly PlainFrames _incoming = new();
    private readonly byte[] _outgoing = new byte[PlainFrames.LengthBytes + SessionFrame.MaxBytes];
    private readonly object _lock = new();
    private readonly Thread _receiver;
    private SessionEnd? _end;
    private bool _hungUp;
    private long _saidAt = Environment.TickCount64;

    /// <summary>Takes ownership of the connection, on which the session's token was shown, and begins to receive.</summary>
    internal SessionLink(StreamSocket socket, int channels, ISessionFrames frames)
    {
        (_socket, _frames) = (socket, frames);
        _channels.Make(channels);
        _receiver = new Thread(Receive, 256 * 1024) { Name = "session receive", IsBackground = true };
        _receiver.Start();
    }

    /// <summary>Why the session is over; null while it goes on.</summary>
    internal SessionEnd? Over
    {
        get
        {
            lock (_lock)
                return _end;
        }
    }

    /// <summary>Milliseconds until <see cref="KeepAlive"/> has something to do.</summary>
    internal int QuietMs => (int)Math.Max(_saidAt + KeepAliveEveryMs - Environment.TickCount64, 0);

    /// <summary>Ends the session, by any thread: the owner then says so to the peer. The first end counts.</summary>
    internal void End(SessionEnd end)
    {
        lock (_lock)
        {
            if (_end is not null)
                return;
            _end = end;
        }
        _frames.Wake();
    }

    /// <summary>Data bytes that may be sent on the channel now.</summary>
    internal int MaySend(uint channel)
    {
        lock (_lock)
            return _channels.MaySend(channel);
    }

    /// <summary>Sends a frame, and waits for room. One that comes after the session's end is forgotten.</summary>
    internal void Send(uint channel, SessionFrameType type, ReadOnlySpan<byte> body)
    {
        int length;
        lock (_lock)
        {
            if (_end is not null)
                return;
            length = Write(channel, type, body);
        }
        Send(length);
    }

    /// <summary>Tells whoever watches the session a sentence.</summary>
    internal void SendNote(string sentence) => Send(SessionFrame.SessionChannel, SessionFrameType.Note, SessionFrame.NoteBody(sentence));

    /// <summary>So many bytes of what came on the channel went on; grants as many again.</summary>
    internal void Taken(uint channel, int bytes)
    {
        uint grant;
        lock (_lock)
            grant = _channels.Taken(channel, bytes);
        Grant(channel, grant);
    }

    /// <summary>More memory is reserved for the channel: the peer may have <paramref name="bytes"/> on its way.</summary>
    internal void SetWindow(uint channel, int bytes)
    {
        uint grant;
        lock (_lock)
            grant = _channels.SetWindow(channel, bytes);
        Grant(channel, grant);
    }

    /// <summary>Says that this end is there, if it has said nothing for long.</summary>
    internal void KeepAlive()
    {
        if (QuietMs == 0)
            Send(SessionFrame.SessionChannel, SessionFrameType.KeepAlive, default);
    }

    /// <summary>
    /// Ends the session if it is not over, says so to a peer that does not know, and waits for it to hang up, but not for long. Nothing is done with the link
    /// afterwards.
    /// </summary>
    internal void Close(SessionEnd end)
    {
        End(end);
        SessionEnd first = Over!;
        if (first.IsOurs)
        {
            int length;
            lock (_lock)
                length = Write(SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(first.Reason, first.Sentence));
            Send(length);
            WaitForHangUp();
        }
        _socket.Shutdown();
        _receiver.Join();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Shutdown();
        _receiver.Join();
        _socket.Dispose();
    }

    // With the lock held: in the order in which the channels hear of it.
    private int Write(uint channel, SessionFrameType type, ReadOnlySpan<byte> body)
    {
        SessionFrame frame = new(channel, type, body);
        _channels.Sent(frame);
        _saidAt = Environment.TickCount64;
        return PlainFrames.Write(frame, _outgoing);
    }

    private void Grant(uint channel, uint bytes)
    {
        if (bytes > 0)
            Send(channel, SessionFrameType.Window, SessionFrame.CreditBody(bytes));
    }

    private void Send(int length)
    {
        if (_socket.TrySendAll(_outgoing.AsSpan(0, length)) != Errno.None)
            End(new SessionEnd(SessionCloseReason.Internal, "the connection broke", IsOurs: false));
    }

    private void WaitForHangUp()
    {
        long deadline = Environment.TickCount64 + (long)s_linger.TotalMilliseconds;
        lock (_lock)
        {
            while (!_hungUp && Environment.TickCount64 < deadline)
                Monitor.Wait(_lock, (int)(deadline - Environment.TickCount64));
        }
    }

    private void Receive()
    {
        try
        {
            ReceiveUntilBroken();
        }
        catch (Exception e)
        {
            // The boundary of one session: whatever is wrong with it, the guest goes on.
            End(new SessionEnd(SessionCloseReason.Internal, e.Message));
        }
        End(new SessionEnd(SessionCloseReason.Internal, "the connection broke", IsOurs: false));
        // Wakes an owner that waits to send.
        _socket.Shutdown();
        lock (_lock)
        {
            _hungUp = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void ReceiveUntilBroken()
    {
        while (TryReceive(_incoming.Room().Span, out int count) && count > 0)
        {
            _incoming.Filled(count);
            while (_incoming.TryTake(out SessionFrame frame))
                Take(frame);
            if (_incoming.IsBroken)
                End(new SessionEnd(SessionCloseReason.Protocol, "what came is no frame"));
        }
    }

    // False: nothing came for too long, or the connection broke.
    private bool TryReceive(Span<byte> room, out int count)
    {
        long deadline = Environment.TickCount64 + SilenceMs;
        while (true)
        {
            Errno errno = _socket.TryReceiveNow(room, out count);
            if (errno != Errno.EAGAIN)
                return errno == Errno.None;
            long left = deadline - Environment.TickCount64;
            if (left <= 0)
            {
                End(new SessionEnd(SessionCloseReason.TimedOut, "nothing came for too long", IsOurs: false));
                return false;
            }
            _ = Polling.IsReadable(_socket.Descriptor, (int)left);
        }
    }

    private void Take(in SessionFrame frame)
    {
        SessionEnd? end;
        lock (_lock)
        {
            // After this end's close the rest is read and forgotten.
            if (_end is not null)
                return;
            SessionVerdict verdict = _channels.Receive(frame, Environment.TickCount64);
            if (verdict == SessionVerdict.Forget)
                return;
            if (verdict == SessionVerdict.Break)
                _end = new SessionEnd(SessionCloseReason.Protocol, _channels.Fault);
            else if (frame is { Channel: SessionFrame.SessionChannel, Type: SessionFrameType.Close })
                _end = new SessionEnd(frame.Reason, frame.Sentence, IsOurs: false);
            end = _end;
        }
        if (end is null)
        {
            _frames.Take(frame);
            return;
        }
        // The peer hears nothing more: an owner that waits to send need not.
        if (!end.IsOurs)
            _socket.Shutdown();
        _frames.Wake();
    }
}
