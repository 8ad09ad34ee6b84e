using ZeroOS.Linux;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// A connection that .NET's sockets do not know yet, and perhaps never will: what they watch they watch until its open file description is gone (epoll(7)),
/// and that of a connection which was handed over lasts as long as its session. Nothing is read but what is asked for, and no call waits in the kernel. One
/// flow uses it at a time.
/// </summary>
internal sealed class UnreadConnection : IDisposable
{
    private readonly StreamSocket _socket;
    private readonly ConnectionWatch _watch;
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _stirs = new(0);
    private readonly ulong _token;
    private bool _released;
    private bool _answered;

    /// <summary>Takes ownership of a connection that has a place.</summary>
    /// <exception cref="LinuxException">The kernel has no room to watch it; it is still the caller's.</exception>
    public UnreadConnection(StreamSocket socket, ConnectionPlace place, ConnectionWatch watch)
    {
        (_socket, _watch, Place) = (socket, watch, place);
        _token = watch.Add(socket.Descriptor, this);
        if (!place.TryBind(Abort))
            Abort();
    }

    /// <summary>Its place in the table.</summary>
    public ConnectionPlace Place { get; }

    /// <summary>Cancelled when its place was taken away.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Ends what waits for it; whoever uses it closes it.</summary>
    public void Abort() => _ = _ended.CancelAsync();

    /// <summary>Shows what has come, and leaves it there; 0 bytes when no more will come. False: nothing has come.</summary>
    /// <exception cref="IOException">It is broken.</exception>
    public bool TryPeek(Span<byte> buffer, out int shown) => HasDone(_socket.TryPeekNow(buffer, out shown));

    /// <summary>Shows what has come, one byte at least, as soon as it has; 0 bytes when no more will come.</summary>
    /// <exception cref="IOException">It is broken.</exception>
    public async ValueTask<int> PeekAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        int shown;
        while (!TryPeek(buffer.Span, out shown))
            await StirAsync(cancellation);
        return shown;
    }

    /// <summary>Takes what has come, one byte at least, as soon as it has; 0 bytes when no more will come.</summary>
    /// <exception cref="IOException">It is broken.</exception>
    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        int received;
        while (!HasDone(_socket.TryReceiveNow(buffer.Span, out received)))
            await StirAsync(cancellation);
        return received;
    }

    /// <summary>Sends all of an answer, and says that no more will come.</summary>
    /// <exception cref="IOException">It is broken.</exception>
    public async ValueTask AnswerAsync(ReadOnlyMemory<byte> answer, CancellationToken cancellation)
    {
        while (!answer.IsEmpty)
        {
            if (HasDone(_socket.TrySendNow(answer.Span, out int sent)))
                answer = answer[sent..];
            else
                await StirAsync(cancellation);
        }
        _socket.EndSending();
        _answered = true;
    }

    /// <summary>Waits until something changed since it was asked last: bytes came, an end, room to send.</summary>
    public Task StirAsync(CancellationToken cancellation) => _stirs.WaitAsync(cancellation);

    /// <summary>Gives the descriptor away, as it is; nothing may be asked of this any more.</summary>
    public FileDescriptor Release()
    {
        _watch.Remove(_socket.Descriptor, _token);
        _released = true;
        return _socket.Descriptor;
    }

    /// <summary>Closes it. A client that got no answer hears at once that there will be none.</summary>
    public void Dispose()
    {
        if (_released)
            return;
        FileDescriptor descriptor = Release();
        if (_answered)
        {
            descriptor.Dispose();
            return;
        }
        ListeningSocket.Reset(descriptor.Number);
        descriptor.SetHandleAsInvalid();
    }

    /// <summary>Something changed. Called by the watch's thread alone.</summary>
    internal void Stir()
    {
        if (_stirs.CurrentCount == 0)
            _stirs.Release();
    }

    private static bool HasDone(Errno errno) =>
        errno is Errno.None or Errno.EAGAIN ? errno == Errno.None : throw new IOException($"the connection is broken: {errno}");
}
