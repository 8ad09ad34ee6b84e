using System.Net.Sockets;

using ZeroOS.Linux;

namespace ZeroOS.Host.Loops;

/// <summary>
/// A stream over a connected socket of which somebody hostile may have a duplicate, and with it the flags: it only ever asks the socket not to wait
/// (MSG_DONTWAIT), and a loop says when there is something to do. <see cref="Socket"/> trusts O_NONBLOCK, which the other holder can take away, and a thread of
/// the pool would wait in recvmsg(2). One reader and one writer at a time; from any thread. A peer that is gone is an <see cref="IOException"/>.
/// </summary>
internal sealed class LoopStream : Stream, ILoopClient
{
    private readonly ClientLoop _loop;
    private readonly StreamSocket _socket;
    private readonly Action _close;
    private readonly Lock _gate = new();
    private readonly Action<LoopStream>? _closed;
    private TaskCompletionSource? _reader;
    private TaskCompletionSource? _writer;
    private LoopWatch? _watch;
    private volatile bool _over;

    /// <summary>Takes ownership of the socket. <paramref name="closed"/> is told on the loop's thread, once.</summary>
    public LoopStream(ClientLoop loop, StreamSocket socket, Action<LoopStream>? closed = null) =>
        (_loop, _socket, _close, _closed) = (loop, socket, socket.Dispose, closed);

    /// <summary>
    /// Takes ownership of the socket, whose asynchronous methods nobody has used or uses. It is read by a descriptor of this stream's own: each number has one
    /// owner, and is closed once whoever forgets what.
    /// </summary>
    /// <exception cref="LinuxException">There are no more descriptors; the socket is the caller's still.</exception>
    public LoopStream(ClientLoop loop, Socket socket)
    {
        FileDescriptor duplicate = Duplicate(socket);
        (_loop, _socket) = (loop, new StreamSocket(duplicate));
        _close = () =>
        {
            duplicate.Dispose();
            socket.Dispose();
        };
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Errno errno = TryReceive(buffer.Span, out int count);
            if (errno == Errno.None)
                return count;
            if (errno != Errno.EAGAIN)
                throw new LinuxException(errno, "recvfrom", "a session's connection");
            await Wait(ref _reader).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Errno errno = TrySend(buffer.Span, out int count);
            if (errno == Errno.None)
                buffer = buffer[count..];
            else if (errno == Errno.EAGAIN)
                await Wait(ref _writer).WaitAsync(cancellationToken).ConfigureAwait(false);
            else
                throw new LinuxException(errno, "sendto", "a session's connection");
        }
    }

    /// <summary>Sends no more: the peer reads what was sent, and then the end.</summary>
    public void EndSending()
    {
        using Held held = new(this);
        StreamPair.EndSending(_socket.Descriptor);
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void OnReady(LoopWatch watch, Readiness ready)
    {
        lock (_gate)
        {
            // A hang-up wakes both: each learns by its own call what it is.
            if (ready != Readiness.Writable)
                Wake(ref _reader);
            if (ready != Readiness.Readable)
                Wake(ref _writer);
        }
        Look();
    }

    /// <inheritdoc/>
    public void OnDue()
    {
    }

    /// <inheritdoc/>
    public void OnFault(Exception fault) => Dispose();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Closed behind the watch's removal: a number that is closed may be another file's the next moment.
        if (disposing && TryEnd() && !_loop.Post(this, Leave))
            _close();
        base.Dispose(disposing);
    }

    private bool TryEnd()
    {
        lock (_gate)
        {
            if (_over)
                return false;
            _over = true;
            Wake(ref _reader);
            Wake(ref _writer);
            return true;
        }
    }

    private void Leave()
    {
        _loop.Remove(_watch);
        _close();
        _closed?.Invoke(this);
    }

    private Errno TryReceive(Span<byte> buffer, out int count)
    {
        using Held held = new(this);
        return _socket.TryReceiveNow(buffer, out count);
    }

    private Errno TrySend(ReadOnlySpan<byte> buffer, out int count)
    {
        using Held held = new(this);
        return _socket.TrySendNow(buffer, out count);
    }

    private static FileDescriptor Duplicate(Socket socket)
    {
        FileDescriptor borrowed = new((int)socket.SafeHandle.DangerousGetHandle());
        try
        {
            return borrowed.Duplicate();
        }
        finally
        {
            borrowed.SetHandleAsInvalid();      // the socket's to close
        }
    }

    private Task Wait(ref TaskCompletionSource? waiter)
    {
        Task task;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_over, this);
            waiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            task = waiter.Task;
        }
        ObjectDisposedException.ThrowIf(!_loop.Post(this, Look), this);
        return task;
    }

    // On the loop's thread: watches for what is waited for, and for nothing else.
    private void Look()
    {
        Readiness wanted;
        lock (_gate)
        {
            if (_over)
                return;
            wanted = (_reader is null ? Readiness.None : Readiness.Readable) | (_writer is null ? Readiness.None : Readiness.Writable);
        }
        if (_watch is null && wanted == Readiness.None)
            return;
        _watch ??= _loop.Watch(this, _socket.Descriptor);
        _loop.Change(_watch, wanted);
    }

    private static void Wake(ref TaskCompletionSource? waiter)
    {
        waiter?.TrySetResult();
        waiter = null;
    }

    /// <summary>The descriptor's number stays this socket's until it is disposed of.</summary>
    private readonly ref struct Held : IDisposable
    {
        private readonly FileDescriptor _descriptor;
        private readonly bool _held;

        public Held(LoopStream stream)
        {
            ObjectDisposedException.ThrowIf(stream._over, stream);
            _descriptor = stream._socket.Descriptor;
            _descriptor.DangerousAddRef(ref _held);
        }

        public void Dispose()
        {
            if (_held)
                _descriptor.DangerousRelease();
        }
    }
}
