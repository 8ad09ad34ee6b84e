using System.Buffers;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Host.Loops;
using ZeroOS.Workloads;

namespace ZeroOS.Node.Sessions;

/// <summary>
/// One session between a client, who seals, and a guest, who speaks plain. Nothing happens to the guest before the client's begin is authenticated. Each frame
/// goes on before the next is read: at most one a direction is held, a long one in room of the node's, and who does not take stops who sends. Frames are not
/// looked into, but for what ends the session; a rekey is between client and node. Both sides are hostile.
/// </summary>
internal sealed class SessionRelay : IDisposable
{
    /// <summary>The client begins within so long, or the session is gone.</summary>
    public static readonly TimeSpan BeginWithin = TimeSpan.FromSeconds(10);

    // A socket that is closed with unread bytes in it is reset, and the last frame with it: who leaves reads on until the other end is gone too.
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(2);

    private readonly SessionCiphers _ciphers;
    private readonly Func<CancellationToken, Task<Stream>> _connect;
    private readonly TimeProvider _time;
    private readonly long _born;
    private readonly TaskCompletionSource<SessionEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _over = new(), _abandoned = new();
    private readonly PlainFrames _fromGuest = new();
    private readonly FrameRoom _up, _down;
    private readonly RelaySide _client;
    private volatile RelaySide? _guest;
    private Stream? _guestStream;
    private SessionEnd? _closed;
    private long _beginUntil = long.MaxValue;
    private bool _clientWhole = true;
    private bool _guestWhole = true;

    /// <summary>
    /// Takes ownership of the ciphers. <paramref name="connect"/> is called once, after the begin. Long frames take of <paramref name="share"/>.
    /// </summary>
    public SessionRelay(SessionCiphers ciphers, Func<CancellationToken, Task<Stream>> connect, FrameShare share, TimeProvider time)
    {
        _up = new FrameRoom(share, ciphers.Opener.Buffer, copies: 1);
        _down = new FrameRoom(share, _fromGuest.Buffer, copies: 2);
        (_ciphers, _connect, _time, _born) = (ciphers, connect, time, time.GetTimestamp());
        _client = new RelaySide(0);
    }

    /// <summary>
    /// Writes the greeting and relays until the session is over and both sides were told. Returns why it ended; throws only for a fault of ours.
    /// </summary>
    public async Task<SessionEnd> RunAsync(Stream client, ReadOnlyMemory<byte> greeting)
    {
        Volatile.Write(ref _beginUntil, Now() + (long)BeginWithin.TotalMilliseconds);
        Task serving = ServeAsync(client, greeting);
        SessionEnd end = await _ended.Task.ConfigureAwait(false);
        await _over.CancelAsync().ConfigureAwait(false);
        await serving.ConfigureAwait(false);
        try
        {
            await LeaveAsync(client, end).ConfigureAwait(false);
        }
        finally
        {
            _up.Leave();
            _down.Leave();
            if (_guestStream is not null)
                await _guestStream.DisposeAsync().ConfigureAwait(false);
        }
        return end;
    }

    /// <summary>Ends the session; the first reason counts. From any thread.</summary>
    public void End(SessionEnd end) => _ended.TrySetResult(end);

    /// <summary>Nobody waits any more for the other ends to hang up. From any thread.</summary>
    public void Abandon() => _abandoned.Cancel();

    /// <summary>Looks at the clock; from any thread.</summary>
    public void Watch()
    {
        long now = Now();
        if (now > Volatile.Read(ref _beginUntil))
            End(new SessionEnd(SessionCloseReason.TimedOut, "nothing was begun in time"));
        else if (_client.IsSilent(now) || _guest?.IsSilent(now) == true)
            End(new SessionEnd(SessionCloseReason.TimedOut, "nothing came, or nothing was taken, for too long"));
    }

    /// <summary>Erases the keys.</summary>
    public void Dispose()
    {
        _ciphers.Dispose();
        _over.Dispose();
    }

    private async Task ServeAsync(Stream client, ReadOnlyMemory<byte> greeting)
    {
        try
        {
            _clientWhole = false;
            if (!await WriteAsync(client, greeting).ConfigureAwait(false))
            {
                End(ClientGone());
                return;
            }
            _clientWhole = true;
            ReadOnlyMemory<byte> begin = await NextFromClientAsync(client).ConfigureAwait(false);
            if (begin.IsEmpty)
                return;
            if (!IsBegin(begin))
            {
                End(new SessionEnd(SessionCloseReason.Protocol, "the first frame of a session is its begin"));
                return;
            }
            Volatile.Write(ref _beginUntil, long.MaxValue);
            Stream guest = _guestStream = await _connect(_over.Token).ConfigureAwait(false);
            _guest = new RelaySide(Now());
            await Task.WhenAll(UpAsync(client, guest, begin), DownAsync(client, guest)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            End(EndOf(e));
        }
    }

    // The frame that was taken last lies in the opener until the next is read: it is not copied.
    private async Task UpAsync(Stream client, Stream guest, ReadOnlyMemory<byte> frame)
    {
        try
        {
            for (; !frame.IsEmpty; frame = await NextFromClientAsync(client).ConfigureAwait(false))
            {
                _guestWhole = false;
                if (!await WriteAsync(guest, frame).ConfigureAwait(false))
                    return;         // the guest may have said why before it hung up: whoever reads it ends the session
                _guestWhole = true;
                if (IsClose(frame))
                {
                    End(new SessionEnd(SessionCloseReason.Cancelled, "the client closed the session", TellClient: false, TellGuest: false));
                    return;
                }
            }
        }
        catch (Exception e)
        {
            End(EndOf(e));
        }
    }

    private async Task DownAsync(Stream client, Stream guest)
    {
        try
        {
            while (!_ended.Task.IsCompleted)
            {
                if (TakeFromGuest() is { } frame)
                {
                    if (!await SendAsync(client, frame).ConfigureAwait(false))
                        End(ClientGone());
                    else if (_closed is not null)
                        End(_closed);
                    continue;
                }
                int count = await ReadAsync(guest, _down, _fromGuest.Buffer).ConfigureAwait(false);
                if (count == 0)
                    End(new SessionEnd(SessionCloseReason.MachineEnded, "the machine ended", TellGuest: false));
                _fromGuest.Filled(count);
            }
        }
        catch (Exception e)
        {
            End(EndOf(e));
        }
    }

    /// <summary>The next frame of the client as it goes on to the guest, in place; empty once the session is over.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> NextFromClientAsync(Stream client)
    {
        while (true)
        {
            if (TakeFromClient() is { IsEmpty: false } frame)
                return frame;
            if (_ended.Task.IsCompleted)
                return default;
            int count = await ReadAsync(client, _up, _ciphers.Opener.Buffer).ConfigureAwait(false);
            if (count == 0)
            {
                End(ClientGone());
                return default;
            }
            _ciphers.Opener.Filled(count);
        }
    }

    private ReadOnlyMemory<byte> TakeFromClient()
    {
        while (_ciphers.Opener.TryTake(out SessionFrame frame))
        {
            if (!_client.Heard(frame.Type, Now()))
            {
                End(new SessionEnd(SessionCloseReason.Protocol, $"the client sent more than {SessionLimits.FramesPerSecond} frames a second without data"));
                return default;
            }
            if (frame.Type != SessionFrameType.Rekey)
                return _ciphers.Opener.TakenPlain();
        }
        if (_ciphers.Opener.IsBroken)
            End(new SessionEnd(SessionCloseReason.Protocol, "what came was not what the client sent"));
        _client.Unfinished = _ciphers.Opener.IsUnfinished;
        return default;
    }

    // Sealed into rented bytes, which are the sender's to return.
    private ArraySegment<byte>? TakeFromGuest()
    {
        if (_fromGuest.TryTake(out SessionFrame frame))
        {
            bool rateKept = _guest!.Heard(frame.Type, Now());
            string? wrong = frame.Type is SessionFrameType.Rekey or SessionFrameType.Begin ? $"a {frame.Type}, which is not the guest's to send"
                : rateKept ? null : $"more than {SessionLimits.FramesPerSecond} frames a second without data";
            if (wrong is not null)
            {
                End(new SessionEnd(SessionCloseReason.Protocol, $"the guest broke the protocol: {wrong}"));
                return null;
            }
            if (frame is { Channel: SessionFrame.SessionChannel, Type: SessionFrameType.Close })
                _closed = new SessionEnd(frame.Reason, "the guest closed the session", TellClient: false, TellGuest: false);
            return Seal(frame);
        }
        if (_fromGuest.IsBroken)
            End(new SessionEnd(SessionCloseReason.Protocol, "the guest broke the protocol: what it sent is no frame"));
        _guest!.Unfinished = _fromGuest.IsUnfinished;
        return null;
    }

    private ArraySegment<byte> Seal(in SessionFrame frame)
    {
        byte[] buffer = _down.Rent(FrameSealer.Room(frame.Body.Length));
        return new ArraySegment<byte>(buffer, 0, _ciphers.Sealer.Seal(frame, buffer, Now()));
    }

    private async ValueTask<bool> SendAsync(Stream client, ArraySegment<byte> frame)
    {
        try
        {
            _clientWhole = false;
            return _clientWhole = await WriteAsync(client, frame).ConfigureAwait(false);
        }
        finally
        {
            _down.Return(frame.Array!);
        }
    }

    // 0 also when the connection broke.
    private async ValueTask<int> ReadAsync(Stream from, FrameRoom room, FrameBuffer buffer)
    {
        try
        {
            await room.PrepareAsync(_over.Token).ConfigureAwait(false);
            return await from.ReadAsync(buffer.Room(), _over.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private async ValueTask<bool> WriteAsync(Stream to, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await to.WriteAsync(bytes, _over.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    // With both directions at rest: nobody else seals. A side to which half a frame was written understands nothing more.
    private async Task LeaveAsync(Stream client, SessionEnd end)
    {
        using CancellationTokenSource linger = CancellationTokenSource.CreateLinkedTokenSource(_abandoned.Token);
        linger.CancelAfter(s_linger);
        byte[] body = SessionFrame.CloseBody(end.Reason, end.Sentence);
        ArraySegment<byte> toClient = end.TellClient && _clientWhole
            ? Seal(new SessionFrame(SessionFrame.SessionChannel, SessionFrameType.Close, body)) : default;
        byte[] toGuest = end.TellGuest && _guestWhole ? Plain(body) : [];
        await Task.WhenAll(LeaveAsync(client, toClient, linger.Token),
            _guestStream is { } guest ? LeaveAsync(guest, toGuest, linger.Token) : Task.CompletedTask).ConfigureAwait(false);
        if (toClient.Array is { } rented)
            _down.Return(rented);
    }

    private static async Task LeaveAsync(Stream side, ReadOnlyMemory<byte> last, CancellationToken linger)
    {
        byte[] forgotten = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            await side.WriteAsync(last, linger).ConfigureAwait(false);
            (side as LoopStream)?.EndSending();
            while (await side.ReadAsync(forgotten, linger).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // it is gone, or stays longer than anybody waits
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(forgotten);
        }
    }

    private SessionEnd EndOf(Exception fault) => fault switch
    {
        OperationCanceledException => new SessionEnd(SessionCloseReason.Cancelled, "the session is over"),
        WorkloadException { Reason: "not-running" } w => new SessionEnd(SessionCloseReason.MachineEnded, w.Message),
        WorkloadException { Reason: "no-answer" } w => new SessionEnd(SessionCloseReason.TimedOut, w.Message),
        WorkloadException { Reason: "busy" } w => new SessionEnd(SessionCloseReason.OverCapacity, w.Message),
        _ => new SessionEnd(SessionCloseReason.Internal, "a fault of the node; its log says more") { Fault = fault },
    };

    private static SessionEnd ClientGone() => new(SessionCloseReason.Cancelled, "the client is gone", TellClient: false);

    private static bool IsBegin(ReadOnlyMemory<byte> plain) => IsOfSession(plain, SessionFrameType.Begin);

    private static bool IsClose(ReadOnlyMemory<byte> plain) => IsOfSession(plain, SessionFrameType.Close);

    private static bool IsOfSession(ReadOnlyMemory<byte> plain, SessionFrameType type) =>
        SessionFrame.TryRead(plain.Span[PlainFrames.LengthBytes..], out SessionFrame frame) && frame.Type == type
            && frame.Channel == SessionFrame.SessionChannel;

    private static byte[] Plain(byte[] closeBody)
    {
        SessionFrame frame = new(SessionFrame.SessionChannel, SessionFrameType.Close, closeBody);
        byte[] plain = new byte[PlainFrames.LengthBytes + frame.Length];
        PlainFrames.Write(frame, plain);
        return plain;
    }

    private long Now() => (long)_time.GetElapsedTime(_born).TotalMilliseconds;
}
