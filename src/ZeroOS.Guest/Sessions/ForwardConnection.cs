using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>
/// One channel of a forwarding session and its connection to a program in the machine, from the dial to the close. Nothing in it waits: what can be done now is
/// done by <see cref="Pass"/>, and <see cref="Interest"/> says what for to come again. Not thread-safe.
/// </summary>
/// <param name="link">The session.</param>
/// <param name="inbox">What the client says on the channel.</param>
/// <param name="grants">Whether the client may be granted room now.</param>
/// <param name="dialUntil">When a program that has not taken the connection is no longer waited for, <see cref="Environment.TickCount64"/>.</param>
internal sealed class ForwardConnection(SessionLink link, ForwardInbox inbox, ForwardGrants grants, long dialUntil) : IDisposable
{
    private const int GrantBytes = SessionLimits.FirstWindow / 2;
    private const string WasReset = "the program in the machine reset the connection";
    private const Readiness Broken = Readiness.Error | Readiness.HangUp;

    private StreamSocket? _socket;
    private bool _dialling, _six;       // tried ::1 too
    private bool _writeWaits, _writeEnded, _writeBroke, _readEnded;
    private int _passedIn;              // and not granted again yet

    /// <summary>The channel.</summary>
    internal uint Channel => inbox.Channel;

    /// <summary>Its socket, while there is something to wait for.</summary>
    internal FileDescriptor? Descriptor => _socket?.Descriptor;

    /// <summary>This end has closed the channel.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>The client wants no more of it, and that was not seen to yet.</summary>
    internal bool IsAbandoned => inbox.IsClosed;

    /// <summary>What it waits for at the socket.</summary>
    internal Readiness Interest => _dialling ? Readiness.Writable
        : (_readEnded || link.MaySend(Channel) == 0 ? Readiness.None : Readiness.Readable) | (_writeWaits ? Readiness.Writable : Readiness.None);

    /// <summary>When it wants to be looked at even though nothing has happened; <see cref="long.MaxValue"/>: never.</summary>
    internal long LookAgainAt => _dialling ? dialUntil : _passedIn >= GrantBytes ? Environment.TickCount64 + 20 : long.MaxValue;

    /// <summary>Begins: dials, or says why not.</summary>
    internal void Begin()
    {
        if (inbox.Port == 0)
            Close(SessionCloseReason.Refused, inbox.Refusal);
        else
            Dial();
    }

    /// <summary>Does what can be done now, and a piece of each direction at most, so that the others have their turn.</summary>
    /// <param name="ready">What the socket was ready for.</param>
    /// <param name="buffer">For what is read.</param>
    internal void Pass(Readiness ready, Span<byte> buffer)
    {
        if (inbox.IsClosed)
        {
            Close(SessionCloseReason.Cancelled, "");
            return;
        }
        if (_dialling && !IsDialled(ready))
            return;
        PassIn(ready);
        PassOut(ready, buffer);
        if (IsOver || !_readEnded)
            return;
        if (_writeBroke)
            Close(SessionCloseReason.Cancelled, WasReset);
        else if (_writeEnded)
            Close(SessionCloseReason.Done, "");
    }

    /// <summary>Closes the channel for this reason, and the connection: with anything but <see cref="SessionCloseReason.Done"/> it is reset.</summary>
    internal void Close(SessionCloseReason reason, string sentence)
    {
        if (reason == SessionCloseReason.Done)
            _socket?.Dispose();
        Dispose();
        IsOver = true;
        link.Send(Channel, SessionFrameType.Close, SessionFrame.CloseBody(reason, sentence));
    }

    /// <summary>Resets a connection that has not ended: half of what was sent must not look like all of it.</summary>
    public void Dispose()
    {
        if (_socket is null || _socket.Descriptor.IsClosed)
            return;
        TcpConnection.ResetWhenClosed(_socket.Descriptor);
        _socket.Dispose();
    }

    private void Dial()
    {
        FileDescriptor? dialled = TcpConnection.TryDialLoopback(inbox.Port, _six, out Errno errno);
        _dialling = dialled is not null;
        if (dialled is not null)
            _socket = new StreamSocket(dialled);
        else
            DialFailed(errno);
    }

    private bool IsDialled(Readiness ready)
    {
        if (ready == Readiness.None)
        {
            if (Environment.TickCount64 >= dialUntil)
                Close(SessionCloseReason.TimedOut, $"what listens at port {inbox.Port} in the machine takes no connection");
            return false;
        }
        if (TcpConnection.DialOutcome(_socket!.Descriptor) is var errno && errno != Errno.None)
        {
            DialFailed(errno);
            return false;
        }
        _dialling = false;
        TcpConnection.SendAtOnce(_socket.Descriptor);
        return true;
    }

    private void DialFailed(Errno errno)
    {
        Dispose();
        if (!_six && errno == Errno.ECONNREFUSED)
        {
            _six = true;
            Dial();
        }
        else if (errno is Errno.ECONNREFUSED or Errno.EADDRNOTAVAIL or Errno.EAFNOSUPPORT)
        {
            // A machine without IPv6 has no ::1.
            Close(SessionCloseReason.Refused, $"nothing listens at port {inbox.Port} in the machine");
        }
        else
        {
            Close(SessionCloseReason.Refused, $"port {inbox.Port} in the machine cannot be dialled: {errno}");
        }
    }

    // Within the window: what is granted comes with a later turn.
    private void PassIn(Readiness ready)
    {
        bool ended = inbox.IsEnded;
        if (!_writeEnded && (!_writeWaits || (ready & (Readiness.Writable | Broken)) != 0))
        {
            _writeWaits = false;
            while (!_writeWaits && inbox.Oldest is { IsEmpty: false } data)
                Write(data);
            if (ended && !_writeWaits)
            {
                _socket!.EndSending();
                _writeEnded = true;
            }
        }
        if (!ended && (_passedIn < GrantBytes || !grants.TryTake()))
            return;
        link.Taken(Channel, _passedIn);
        _passedIn = 0;
    }

    private void Write(ReadOnlySpan<byte> data)
    {
        // A program that reads no more may have answered all the same, and its answer is still read.
        int written = data.Length;
        Errno errno = _writeBroke ? Errno.None : _socket!.TrySendNow(data, out written);
        _writeWaits = errno == Errno.EAGAIN;
        if (_writeWaits)
            return;
        if (errno != Errno.None)
            (_writeBroke, written) = (true, data.Length);
        inbox.Drop(written);
        _passedIn += written;
    }

    private void PassOut(Readiness ready, Span<byte> buffer)
    {
        int room = Math.Min(link.MaySend(Channel), buffer.Length);
        if (_readEnded || room == 0 || (ready & (Readiness.Readable | Broken)) == 0)
            return;
        Errno errno = _socket!.TryReceiveNow(buffer[..room], out int count);
        if (errno == Errno.EAGAIN)
            return;
        if (errno != Errno.None || (count == 0 && _writeBroke))
        {
            Close(SessionCloseReason.Cancelled, WasReset);
        }
        else if (count == 0)
        {
            _readEnded = true;
            link.Send(Channel, SessionFrameType.HalfClose, default);
        }
        else
        {
            link.Send(Channel, SessionFrameType.Data, buffer[..count]);
        }
    }
}
