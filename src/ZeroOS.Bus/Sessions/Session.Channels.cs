using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Bus.Sessions;

public sealed partial class Session
{
    private TaskCompletionSource? _mayOpen;

    /// <summary>
    /// Opens a channel, and says what it is to do: JSON of the session's kind, at most 64 KiB. Waits while the peer has said nothing on too many
    /// (<see cref="SessionLimits.Unanswered"/>), or there are too many. Whoever opens one closes it, also when the peer has.
    /// </summary>
    /// <exception cref="SessionException">The session is over.</exception>
    public async Task<uint> OpenChannelAsync(ReadOnlyMemory<byte> begin, CancellationToken cancellation = default)
    {
        while (true)
        {
            Task? mayOpen = null;
            await _sending.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                int length = 0;
                uint channel;
                lock (_lock)
                {
                    ThrowIfOver();
                    if (_state.TryOpen(out channel))
                    {
                        _queues.Add(channel, new ChannelQueue());
                        length = Seal(new SessionFrame(channel, SessionFrameType.Begin, begin.Span));
                    }
                    else
                    {
                        _mayOpen ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                        mayOpen = _mayOpen.Task;
                    }
                }
                if (mayOpen is null)
                {
                    await SendSealedAsync(length).ConfigureAwait(false);
                    return channel;
                }
            }
            finally
            {
                _sending.Release();
            }
            await mayOpen.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Closes a channel that was opened, in both directions: what has come on it and was not read, and what still comes, is forgotten. Who reads or writes it
    /// hears that it is closed. A session that is over takes it without a word.
    /// </summary>
    public async Task CloseChannelAsync(uint channel, SessionCloseReason reason, string sentence = "")
    {
        await _sending.WaitAsync().ConfigureAwait(false);
        try
        {
            int length;
            lock (_lock)
            {
                if (!_queues.Remove(channel, out ChannelQueue? queue))
                    return;
                queue.Closed = new SessionException(SessionCloseReason.Cancelled, "this end has closed the channel");
                queue.Wake();
                if (_ended.Task.IsCompleted || _state.IsClosed)
                    return;
                length = Seal(new SessionFrame(channel, SessionFrameType.Close, SessionFrame.CloseBody(reason, sentence)));
                WakeOpener();
            }
            await SendSealedAsync(length).ConfigureAwait(false);
        }
        catch (SessionException)
        {
            // the session is over, and its channels with it
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends data as the peer gives credit for it, and waits while it gives none.</summary>
    /// <exception cref="SessionException">The channel is over, or the session.</exception>
    public async Task WriteAsync(uint channel, ReadOnlyMemory<byte> data, CancellationToken cancellation = default)
    {
        ChannelQueue? queue = null;
        while (!data.IsEmpty)
        {
            int sent;
            Task changed;
            await _sending.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                int length = 0;
                lock (_lock)
                {
                    queue ??= Queue(channel);
                    ThrowIfOver(queue);
                    changed = queue.Changed;
                    sent = Math.Min(_state.MaySend(channel), data.Length);
                    if (sent > 0)
                        length = Seal(new SessionFrame(channel, SessionFrameType.Data, data.Span[..sent]));
                }
                if (length > 0)
                    await SendSealedAsync(length).ConfigureAwait(false);
            }
            finally
            {
                _sending.Release();
            }
            data = data[sent..];
            if (sent == 0)
                await changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Reads what came on the channel, at least a byte; 0 when the peer has ended it.</summary>
    /// <exception cref="SessionException">The session broke, or the channel was closed, before its end.</exception>
    public async Task<int> ReadAsync(uint channel, Memory<byte> buffer, CancellationToken cancellation = default)
    {
        ChannelQueue? queue = null;
        while (true)
        {
            int count;
            uint grant;
            Task changed;
            lock (_lock)
            {
                queue ??= Queue(channel);
                changed = queue.Changed;
                count = queue.Take(buffer.Span);
                grant = count > 0 ? _state.Taken(channel, count) : 0;
                if (count == 0 && queue.Ended)
                    return 0;
                if (count == 0)
                    ThrowIfOver(queue);
            }
            await GrantAsync(channel, grant).ConfigureAwait(false);
            if (count > 0)
                return count;
            await changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until the peer has closed the channel, and returns why it has; what was not read can be read still.</summary>
    /// <exception cref="SessionException">This end has closed it, or the session is over.</exception>
    public async Task<SessionException> ChannelClosedAsync(uint channel, CancellationToken cancellation = default)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                ChannelQueue queue = Queue(channel);
                if (queue.Closed is { } closed)
                    return closed;
                ThrowIfOver(queue);
                changed = queue.Changed;
            }
            await changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Gives the peer more room on the channel than <see cref="SessionLimits.FirstWindow"/>; the memory is the caller's to have reserved.</summary>
    public async Task SetWindowAsync(uint channel, int bytes)
    {
        uint grant;
        lock (_lock)
            grant = _state.SetWindow(channel, bytes);
        await GrantAsync(channel, grant).ConfigureAwait(false);
    }

    // Whoever reads hears of the session's end after the data that came before it.
    private async Task GrantAsync(uint channel, uint bytes)
    {
        if (bytes == 0)
            return;
        try
        {
            await SendAsync(channel, SessionFrameType.Window, SessionFrame.CreditBody(bytes)).ConfigureAwait(false);
        }
        catch (SessionException)
        {
            // as above
        }
    }

    private ChannelQueue Queue(uint channel) =>
        _queues.GetValueOrDefault(channel) ?? throw new SessionException(SessionCloseReason.Cancelled, $"channel {channel} is closed, or was never there");

    // Something has come or gone, after which a channel may be opened: whoever waits for that looks.
    private void WakeOpener()
    {
        _mayOpen?.SetResult();
        _mayOpen = null;
    }

    private void ThrowIfOver(ChannelQueue queue)
    {
        if (queue.Closed is { } closed)
            throw closed;
        if (_ended.Task.IsCompleted)
            throw _ended.Task.Result;
    }
}
