using System.Threading.Channels;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Bus.Sessions;

/// <summary>
/// One end of a session over a stream of bytes: frames out and in, credit, ends, and signs of life. Reading never waits for writing. Thread-safe; one reader
/// and one writer a channel. What the peer may cost in memory is its credit.
/// </summary>
public sealed partial class Session : IAsyncDisposable
{
    /// <summary>A frame is sent at least so often, so that the peer knows that this end is there.</summary>
    public static readonly TimeSpan KeepAliveEvery = TimeSpan.FromSeconds(30);

    /// <summary>A peer from whom nothing came for so long is gone; one that leaves a frame unfinished is gone sooner.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(90), FrameWithin = TimeSpan.FromSeconds(60);

    /// <summary>So many <see cref="Events"/> wait for whoever reads them; of more the oldest are forgotten.</summary>
    public const int WaitingEvents = 256;

    // A socket that is closed with unread bytes in it is reset, and the peer may lose what was sent last: who closes goes on reading until the peer hangs up.
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(2);

    private readonly Stream _stream;
    private readonly SessionCiphers _ciphers;
    private readonly SessionChannels _state;
    private readonly TimeProvider _clock;
    private readonly long _began;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly byte[] _outgoing = new byte[FrameSealer.Room(SessionLimits.BodyBytes)];
    private readonly Dictionary<uint, ChannelQueue> _queues = [];
    private readonly TaskCompletionSource<byte[]> _begin = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<SessionException> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<SessionEvent> _events =
        Channel.CreateBounded<SessionEvent>(new BoundedChannelOptions(WaitingEvents) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _over = new();
    private readonly ITimer _timer;
    private readonly Task _receiving;
    private bool _left;
    private long _heardAt;
    private long _saidAt;

    /// <summary>
    /// Takes ownership of the stream and the keys and begins to receive. <paramref name="channels"/> are there from the beginning; the client may open more.
    /// </summary>
    public Session(Stream stream, SessionCiphers ciphers, bool isClient, int channels, TimeProvider clock)
    {
        (_stream, _ciphers, _clock, _began) = (stream, ciphers, clock, clock.GetTimestamp());
        _state = new SessionChannels(isClient, 0);
        _state.Make(channels);
        for (uint i = 0; i < channels; i++)
            _queues.Add(i, new ChannelQueue());
        _timer = clock.CreateTimer(_ => Watch(), null, KeepAliveEvery / 3, KeepAliveEvery / 3);
        _receiving = ReceiveAsync();
    }

    /// <summary>The end of the whole session: its reason and a sentence. It comes after everything that was sent before.</summary>
    public Task<SessionException> Ended => _ended.Task;

    /// <summary>
    /// Notes, resizes and signals in their order, until the session's end. Nobody has to read them: at most <see cref="WaitingEvents"/> are kept.
    /// </summary>
    public ChannelReader<SessionEvent> Events => _events.Reader;

    /// <summary>What the client asked for, on its peer's side.</summary>
    /// <exception cref="SessionException">The session ended before.</exception>
    public Task<byte[]> BegunAsync() => _begin.Task;

    /// <summary>Says what this session is to do; nothing happens before. <paramref name="body"/> is JSON of its kind, at most 64 KiB.</summary>
    public Task BeginAsync(ReadOnlyMemory<byte> body) => SendAsync(SessionFrame.SessionChannel, SessionFrameType.Begin, body);

    /// <summary>No more data from this end of the channel.</summary>
    public Task EndAsync(uint channel) => SendAsync(channel, SessionFrameType.HalfClose, default);

    /// <summary>The program's terminal has another size.</summary>
    public Task ResizeAsync(uint channel, ushort columns, ushort rows) => SendAsync(channel, SessionFrameType.Resize, SessionFrame.SizeBody(columns, rows));

    /// <summary>Sends the program a signal, 1 to 64.</summary>
    public Task SignalAsync(uint channel, int number) => SendAsync(channel, SessionFrameType.Signal, new[] { (byte)number });

    /// <summary>Tells whoever watches the session a sentence, cut at <see cref="SessionLimits.SentenceBytes"/>.</summary>
    public Task NoteAsync(string sentence) => SendAsync(SessionFrame.SessionChannel, SessionFrameType.Note, SessionFrame.NoteBody(sentence));

    /// <summary>Says that the program ended.</summary>
    public Task ExitAsync(uint channel, int code) => SendAsync(channel, SessionFrameType.Exit, SessionFrame.ExitBody(code));

    /// <summary>
    /// The program's exit code. It counts only when the session was closed as done after it: somebody who cuts the connection makes no program succeed.
    /// </summary>
    /// <exception cref="SessionException">The session ended in any other way.</exception>
    public async Task<int> ExitCodeAsync(uint channel)
    {
        SessionException end = await Ended.ConfigureAwait(false);
        lock (_lock)
            return end.Reason == SessionCloseReason.Done && Queue(channel).ExitCode is int code ? code : throw end;
    }

    /// <summary>Closes the session and everything in it, in an order: what was sent before arrives before.</summary>
    public async Task CloseAsync(SessionCloseReason reason, string sentence = "")
    {
        try
        {
            await SendAsync(SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(reason, sentence)).ConfigureAwait(false);
        }
        catch (SessionException)
        {
            // it is over already
        }
        End(new SessionException(reason, sentence), s_linger);
    }

    /// <summary>Ends everything at once; who wants the peer to know why closes first.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _left, true))
            return;
        End(new SessionException(SessionCloseReason.Cancelled, "this end left"));
        await _receiving.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _sending.WaitAsync().ConfigureAwait(false);       // nobody seals with keys that are gone
        await _stream.DisposeAsync().ConfigureAwait(false);
        _ciphers.Dispose();
        _over.Dispose();
        _sending.Release();                                     // who comes later hears that it is over
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (true)
            {
                int count = await _stream.ReadAsync(_ciphers.Opener.Room(), _over.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    End(new SessionException(SessionCloseReason.Internal, "the connection broke"));
                    return;
                }
                lock (_lock)
                {
                    // After this end's close the rest is read and forgotten.
                    if (!_ended.Task.IsCompleted)
                        Take(count);
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            End(new SessionException(SessionCloseReason.Internal, $"the connection broke: {e.Message}", e));
        }
    }

    // With the lock held: everything that is whole.
    private void Take(int count)
    {
        _ciphers.Opener.Filled(count);
        while (!_ended.Task.IsCompleted && _ciphers.Opener.TryTake(out SessionFrame frame))
        {
            _heardAt = Now();
            SessionVerdict verdict = _state.Receive(frame, _heardAt);
            WakeOpener();
            if (verdict == SessionVerdict.Break)
                End(new SessionException(SessionCloseReason.Protocol, $"the peer broke the protocol: {_state.Fault}"));
            else if (verdict == SessionVerdict.Take)
                Obey(frame);
        }
        if (_ciphers.Opener.IsBroken)
            End(new SessionException(SessionCloseReason.Protocol, "what came was not what the peer sent"));
    }

    private void Obey(in SessionFrame frame)
    {
        if (frame.Type is SessionFrameType.Note or SessionFrameType.Resize or SessionFrameType.Signal)
        {
            _events.Writer.TryWrite(EventOf(frame));
            return;
        }
        if (frame.Channel == SessionFrame.SessionChannel)
        {
            if (frame.Type == SessionFrameType.Begin)
                _begin.TrySetResult(frame.Body.ToArray());
            else if (frame.Type == SessionFrameType.Close)
                End(new SessionException(frame.Reason, frame.Sentence));
            return;
        }
        if (frame.Type == SessionFrameType.Begin)
            _queues.Add(frame.Channel, new ChannelQueue());
        if (!_queues.TryGetValue(frame.Channel, out ChannelQueue? queue))
            return;     // this end has closed it
        switch (frame.Type)
        {
            case SessionFrameType.Data:
                queue.Add(frame.Body);
                break;
            case SessionFrameType.HalfClose:
                queue.Ended = true;
                break;
            case SessionFrameType.Exit:
                queue.ExitCode = frame.ExitCode;
                break;
            case SessionFrameType.Close:
                queue.Closed = new SessionException(frame.Reason, frame.Sentence);
                break;
        }
        queue.Wake();
    }

    private static SessionEvent EventOf(in SessionFrame frame) => frame.Type switch
    {
        SessionFrameType.Note => new SessionEvent(frame.Channel, frame.Type) { Sentence = frame.Sentence },
        SessionFrameType.Resize => new SessionEvent(frame.Channel, frame.Type) { Size = frame.Size },
        _ => new SessionEvent(frame.Channel, frame.Type) { SignalNumber = frame.SignalNumber },
    };

    private async Task SendAsync(uint channel, SessionFrameType type, ReadOnlyMemory<byte> body)
    {
        await _sending.WaitAsync().ConfigureAwait(false);
        try
        {
            int length;
            lock (_lock)
            {
                ThrowIfOver();
                if (channel != SessionFrame.SessionChannel && !_queues.ContainsKey(channel))
                    throw new SessionException(SessionCloseReason.Cancelled, "this end has closed the channel");
                length = Seal(new SessionFrame(channel, type, body.Span));
            }
            await SendSealedAsync(length).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }
    }

    // With both locks held.
    private int Seal(in SessionFrame frame)
    {
        _saidAt = Now();
        _state.Sent(frame);
        return _ciphers.Sealer.Seal(frame, _outgoing, _saidAt);
    }

    private async Task SendSealedAsync(int length)
    {
        try
        {
            await _stream.WriteAsync(_outgoing.AsMemory(0, length), _over.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            SessionException broken = new(SessionCloseReason.Internal, $"the connection broke: {e.Message}", e);
            End(broken);
            throw broken;
        }
    }

    private void Watch()
    {
        bool silent, quiet;
        lock (_lock)
        {
            silent = Now() - _heardAt > (_ciphers.Opener.IsUnfinished ? FrameWithin : Silence).TotalMilliseconds;
            quiet = Now() - _saidAt >= KeepAliveEvery.TotalMilliseconds;
        }
        if (silent)
            End(new SessionException(SessionCloseReason.TimedOut, "nothing came from the peer for too long"));
        else if (quiet && _sending.CurrentCount > 0)
            _ = KeepAliveAsync();
    }

    private async Task KeepAliveAsync()
    {
        try
        {
            await SendAsync(SessionFrame.SessionChannel, SessionFrameType.KeepAlive, default).ConfigureAwait(false);
        }
        catch (SessionException)
        {
            // whoever uses the session hears of it
        }
    }

    // The first reason counts. Whoever waits for anything wakes.
    private void End(SessionException end, TimeSpan linger = default)
    {
        if (!_ended.TrySetResult(end))
            return;
        lock (_lock)
        {
            foreach (ChannelQueue queue in _queues.Values)
                queue.Wake();
            WakeOpener();
        }
        _events.Writer.TryComplete();
        _begin.TrySetException(end);
        _ = _begin.Task.Exception;      // nobody has to have asked
        _over.CancelAfter(linger);
    }

    private void ThrowIfOver()
    {
        if (_ended.Task.IsCompleted)
            throw _ended.Task.Result;
        if (_state.IsClosed)
            throw new SessionException(SessionCloseReason.Cancelled, "this end has closed the session");
    }

    private long Now() => (long)_clock.GetElapsedTime(_began).TotalMilliseconds;
}
