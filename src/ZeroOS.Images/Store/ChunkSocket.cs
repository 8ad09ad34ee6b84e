using System.Buffers.Binary;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Images.Fetch;
using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>
/// The node's end of one monitor's chunk socket (<see cref="ChunkMessage"/>). The monitor is hostile: what it sends is checked, and no more is kept of it
/// than <see cref="MaxOpen"/> chunk numbers: its further requests stay in the socket, whose buffer is the monitor's own.
/// </summary>
internal sealed class ChunkSocket(SeqPacketSocket socket, Image image, FetchSource source, ImageUse use, Epoll epoll, ulong token) : IChunkWaiter
{
    /// <summary>Chunks that a monitor waits for or has not been told of, at most.</summary>
    public const int MaxOpen = ChunkQueue.MaxWaits;

    private readonly Queue<int> _unsent = new();
    private readonly Lock _gate = new();
    private int _waits;
    private bool _closed, _paused;

    /// <summary>Whose chunks are asked for.</summary>
    public Image Image { get; } = image;

    /// <inheritdoc/>
    public FetchSource Source { get; } = source;

    /// <summary>Begins: after a restart of the node the monitor repeats what it still waits for.</summary>
    public void Open()
    {
        epoll.Add(socket.Descriptor, Readiness.Readable, token);
        lock (_gate)
            _ = TrySend(0, ChunkMessage.Hello);
    }

    /// <inheritdoc/>
    public void Ready(int chunk)
    {
        lock (_gate)
        {
            _waits--;
            if (_closed)
                return;
            try
            {
                Tell(chunk);
                if (_paused && _waits + _unsent.Count <= MaxOpen / 2)
                {
                    _paused = false;
                    Watch();
                }
            }
            catch (LinuxException)
            {
                // The loop sees the end and closes it; the other waiters of the chunk are told.
                socket.Shutdown();
            }
        }
    }

    /// <summary>Sends what waited for room.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            while (_unsent.TryPeek(out int chunk) && TrySend(chunk, ChunkMessage.Ready) != Errno.EAGAIN)
                _unsent.Dequeue();
            _paused &= _waits + _unsent.Count > MaxOpen / 2;
            Watch();
        }
    }

    /// <summary>Takes requests that are there; false when the monitor is gone or sent something that is no request.</summary>
    public bool TryTakeRequests()
    {
        const int AtOnce = 64; // others are served in between
        Span<byte> message = stackalloc byte[ChunkMessage.Size + 1];
        for (int i = 0; i < AtOnce; i++)
        {
            lock (_gate)
            {
                if (_waits + _unsent.Count >= MaxOpen)
                {
                    _paused = true;
                    Watch();
                    return true;
                }
            }
            Errno errno = socket.TryReceive(message, out int length, out FileDescriptor[] descriptors, wait: false);
            if (errno == Errno.EAGAIN)
                return true;
            foreach (FileDescriptor descriptor in descriptors)
                descriptor.Dispose();
            if (errno != Errno.None || descriptors.Length > 0 || !ChunkRequest.TryRead(message[..length], Image.ChunkCount, out int chunk))
                return false;
            Request(chunk);
        }
        return true;
    }

    /// <summary>Ends it; only the loop that reads it does that.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_closed)
                return;
            _closed = true;
        }
        Image.Forget(this);
        use.Dispose();
        using (socket)
            epoll.Remove(socket.Descriptor);
    }

    private void Request(int chunk)
    {
        ChunkWait wait = Image.Need(chunk, this);
        lock (_gate)
        {
            if (wait == ChunkWait.Waits)
                _waits++;
            else if (wait == ChunkWait.Ready)
                Tell(chunk);
        }
    }

    private void Tell(int chunk)
    {
        if (_unsent.Count == 0 && TrySend(chunk, ChunkMessage.Ready) != Errno.EAGAIN)
            return;
        _unsent.Enqueue(chunk);
        if (_unsent.Count == 1)
            Watch();
    }

    private void Watch() => epoll.Change(socket.Descriptor,
        (_paused ? Readiness.None : Readiness.Readable) | (_unsent.Count > 0 ? Readiness.Writable : Readiness.None), token);

    private Errno TrySend(int chunk, uint code)
    {
        Span<byte> message = stackalloc byte[ChunkMessage.Size];
        BinaryPrimitives.WriteInt32LittleEndian(message, chunk);
        BinaryPrimitives.WriteUInt32LittleEndian(message[4..], code);
        return socket.TrySend(message, wait: false);
    }
}
