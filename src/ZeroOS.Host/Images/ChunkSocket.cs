using System.Buffers.Binary;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;

namespace ZeroOS.Host.Images;

/// <summary>
/// The node's end of one monitor's chunk socket (<see cref="ChunkMessage"/>). The monitor is hostile: what it sends is checked, and a monitor that does
/// not read only fills its own queue, which is bounded.
/// </summary>
internal sealed class ChunkSocket(SeqPacketSocket socket, Image image, Epoll epoll, ulong token)
{
    private readonly Queue<int> _unsent = new();
    private readonly Lock _gate = new();
    private bool _closed;

    /// <summary>Whose chunks are asked for.</summary>
    public Image Image { get; } = image;

    /// <summary>Begins: after a restart of the node the monitor repeats what it still waits for.</summary>
    public void Open()
    {
        epoll.Add(socket.Descriptor, Readiness.Readable, token);
        lock (_gate)
            _ = TrySend(0, ChunkMessage.Hello);
    }

    /// <summary>The chunk's bit is set: tell the monitor, now or when it reads again.</summary>
    public void Ready(int chunk)
    {
        lock (_gate)
        {
            if (_closed)
                return;
            if (_unsent.Count == 0 && TrySend(chunk, ChunkMessage.Ready) != Errno.EAGAIN)
                return;
            if (_unsent.Count == 0)
                epoll.Change(socket.Descriptor, Readiness.Readable | Readiness.Writable, token);
            _unsent.Enqueue(chunk);
        }
    }

    /// <summary>Sends what waited for room.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            while (_unsent.TryPeek(out int chunk) && TrySend(chunk, ChunkMessage.Ready) != Errno.EAGAIN)
                _unsent.Dequeue();
            if (_unsent.Count == 0)
                epoll.Change(socket.Descriptor, Readiness.Readable, token);
        }
    }

    /// <summary>Takes requests that are there; false when the monitor is gone or sent something that is no request.</summary>
    public bool TryTakeRequests()
    {
        const int AtOnce = 64; // others are served in between
        Span<byte> message = stackalloc byte[ChunkMessage.Size + 1];
        for (int i = 0; i < AtOnce; i++)
        {
            Errno errno = socket.TryReceive(message, out int length, out FileDescriptor[] descriptors, wait: false);
            if (errno == Errno.EAGAIN)
                return true;
            foreach (FileDescriptor descriptor in descriptors)
                descriptor.Dispose();
            if (errno != Errno.None || length != ChunkMessage.Size || descriptors.Length > 0 || BinaryPrimitives.ReadUInt32LittleEndian(message[4..]) != ChunkMessage.Need)
                return false;
            // A monitor waits for each chunk once; one that asks on without reading what it is told is not waiting.
            lock (_gate)
            {
                if (_unsent.Count > Image.ChunkCount)
                    return false;
            }
            if (!Image.TryNeed(BinaryPrimitives.ReadUInt32LittleEndian(message), this))
                return false;
        }
        return true;
    }

    /// <summary>Ends it; only the loop that reads it does that.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            epoll.Remove(socket.Descriptor);
            socket.Dispose();
        }
        Image.Forget(this);
    }

    private Errno TrySend(int chunk, uint code)
    {
        Span<byte> message = stackalloc byte[ChunkMessage.Size];
        BinaryPrimitives.WriteInt32LittleEndian(message, chunk);
        BinaryPrimitives.WriteUInt32LittleEndian(message[4..], code);
        return socket.TrySend(message, wait: false);
    }
}
