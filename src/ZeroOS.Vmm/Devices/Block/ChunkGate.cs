using System.Buffers.Binary;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Flist;
using ZeroOS.Linux;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Vmm.Devices.Block;

/// <summary>
/// What stands before a flist's device file: a range may be read when the verified bit of every chunk in it is set. Missing chunks are asked for by number,
/// once, and again when the node says that it is a new one.
/// </summary>
internal sealed unsafe class ChunkGate : IEventSource, IDisposable
{
    private const int MaxBatch = 64;
    private readonly FlistIndex _index;
    private readonly MemoryMapping? _indexMapping;
    private readonly MemoryMapping? _verified;
    private readonly SeqPacketSocket _socket;
    private readonly byte[] _asked;
    private readonly BlockCounters _counters;
    private readonly Action _opened;
    private readonly EventLoop _loop;
    private readonly int _slot;
    private bool _blocked;

    private ChunkGate(FlistIndex index, MemoryMapping? indexMapping, MemoryMapping? verified, SeqPacketSocket socket, EventLoop loop, BlockCounters counters,
        Action opened)
    {
        (_index, _indexMapping, _verified, _socket, _loop, _counters, _opened) = (index, indexMapping, verified, socket, loop, counters, opened);
        _asked = new byte[(index.ChunkCount + 7) / 8];
        _slot = loop.Add(socket.Descriptor, Readiness.Readable, this, 0);
    }

    /// <summary>Bytes of the device.</summary>
    public long DeviceSize => _index.DeviceSize;

    /// <summary>Opens the gate of a disk; <paramref name="opened"/> is called when waiting ranges should be tried again.</summary>
    /// <exception cref="ConfigException">The index or the bitmap is not what the disk needs.</exception>
    public static ChunkGate Open(VmDisk disk, EventLoop loop, BlockCounters counters, Action opened)
    {
        using FileDescriptor indexFile = new(disk.IndexDescriptor);
        using FileDescriptor verifiedFile = new(disk.VerifiedDescriptor);
        long length = indexFile.Length;
        if (length is <= 0 or > FlistFormat.MaxIndexBytes)
            throw new ConfigException($"disk {disk.Serial}: its index has {length} bytes");
        MemoryMapping mapping = MemoryMapping.OfFile(indexFile, length);
        if (!FlistIndex.TryOpen(mapping.Pointer, (int)length, out FlistIndex? index, out string? error))
            throw new ConfigException($"disk {disk.Serial}: {error}");
        long bitmap = (index.ChunkCount + 7) / 8;
        if (verifiedFile.Length < bitmap)
            throw new ConfigException($"disk {disk.Serial}: its verified bitmap is shorter than its {index.ChunkCount} chunks");
        MemoryMapping? verified = bitmap > 0 ? MemoryMapping.OfFile(verifiedFile, bitmap) : null;
        return new ChunkGate(index, mapping, verified, new SeqPacketSocket(new FileDescriptor(disk.ChunkDescriptor)), loop, counters, opened);
    }

    /// <summary>Whether the range may be read now; asks for what is missing.</summary>
    public bool TryPass(long offset, long length)
    {
        bool open = true;
        int chunk = _index.FindChunk(offset);
        // Between chunks the device reads as zeros, which its file's holes do.
        for (int i = chunk < 0 ? ~chunk : chunk; i < _index.ChunkCount && _index.Range(i).DeviceOffset < offset + length; i++)
        {
            if (IsVerified(i))
                continue;
            open = false;
            Ask(i);
        }
        return open;
    }

    /// <inheritdoc/>
    public void OnReady(int tag, Readiness ready)
    {
        Span<byte> message = stackalloc byte[ChunkMessage.Size];
        for (int i = 0; i < MaxBatch; i++)
        {
            Errno errno = _socket.TryReceive(message, out int length, out FileDescriptor[] descriptors, wait: false);
            foreach (FileDescriptor d in descriptors)
                d.Dispose();
            if (errno == Errno.EAGAIN)
                break;
            if (errno == Errno.EMSGSIZE)
                continue;
            if (errno != Errno.None || length == 0)
            {
                // As the control socket: the other end is kept by PID 1, and when it is gone nobody will ever answer.
                _loop.Remove(_slot);
                return;
            }
            if (length == ChunkMessage.Size)
                Hear(BinaryPrimitives.ReadUInt32LittleEndian(message), BinaryPrimitives.ReadUInt32LittleEndian(message[4..]));
        }
        if (_blocked)
        {
            _blocked = false;
            _loop.Change(_slot, Readiness.Readable);
        }
        _opened();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _indexMapping?.Dispose();
        _verified?.Dispose();
        _socket.Dispose();
    }

    private void Hear(uint chunk, uint code)
    {
        if (code == ChunkMessage.Hello)
            Array.Clear(_asked);
        else if (code == ChunkMessage.Ready && chunk < (uint)_index.ChunkCount)
            _asked[chunk / 8] &= (byte)~(1 << (int)(chunk % 8));
    }

    // Acquire: pairs with the node's release after the chunk's bytes are in the page cache, so the file is read only afterwards.
    private bool IsVerified(int chunk) => (Volatile.Read(ref _verified!.Pointer[chunk / 8]) & (1 << (chunk % 8))) != 0;

    private void Ask(int chunk)
    {
        byte bit = (byte)(1 << (chunk % 8));
        if ((_asked[chunk / 8] & bit) != 0 || _blocked)
            return;
        Span<byte> message = stackalloc byte[ChunkMessage.Size];
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)chunk);
        BinaryPrimitives.WriteUInt32LittleEndian(message[4..], ChunkMessage.Need);
        Errno errno = _socket.TrySend(message, wait: false);
        if (errno == Errno.None)
        {
            _asked[chunk / 8] |= bit;
            _counters.ChunksAsked++;
        }
        else if (errno == Errno.EAGAIN)
        {
            // The node is slow or away: ask again when the socket takes more.
            _blocked = true;
            _loop.Change(_slot, Readiness.Readable | Readiness.Writable);
        }
    }
}
