using System.Buffers.Binary;

using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

/// <summary>What a monitor does with an image: asks for chunks, reads the verified map and the device through the descriptors it was handed.</summary>
internal sealed class TestMonitor : IDisposable
{
    private readonly FileDescriptor _device, _index;
    private readonly FileDescriptor _verified;

    public TestMonitor(IImage image)
    {
        (_device, _index, _verified) = image.OpenForMonitor();
        (SeqPacketSocket node, Socket) = SeqPacketSocket.Pair();
        image.Serve(node);
        Assert.Equal((0u, ChunkMessage.Hello), Receive());
    }

    public SeqPacketSocket Socket { get; }

    public void Need(int chunk) => Assert.Equal(Errno.None, Socket.TrySend(Request(chunk)));

    /// <summary>As <see cref="Need"/>; false when the node has left too many requests unread.</summary>
    public bool TryNeed(int chunk)
    {
        Errno errno = Socket.TrySend(Request(chunk), wait: false);
        Assert.True(errno is Errno.None or Errno.EAGAIN);
        return errno == Errno.None;
    }

    /// <summary>The next message, which must come within 20 s.</summary>
    public (uint Chunk, uint Code) Receive()
    {
        using Epoll epoll = new();
        epoll.Add(Socket.Descriptor, Readiness.Readable, 1);
        (ulong, Readiness)[] ready = new (ulong, Readiness)[1];
        Assert.True(epoll.Wait(ready, 20_000) == 1, "no answer to a chunk request within 20 s");
        byte[] message = new byte[64];
        Assert.Equal(Errno.None, Socket.TryReceive(message, out int length, out _));
        return length == 0
            ? (0, uint.MaxValue)
            : (BinaryPrimitives.ReadUInt32LittleEndian(message), BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(4)));
    }

    /// <summary>Asks for a chunk, waits for it and reads it as the guest would.</summary>
    public byte[] Read(TestImage image, int chunk)
    {
        Need(chunk);
        Assert.Equal(((uint)chunk, ChunkMessage.Ready), Receive());
        Assert.True(IsVerified(chunk));
        return ReadDevice(image, chunk);
    }

    public byte[] ReadDevice(TestImage image, int chunk)
    {
        byte[] bytes = new byte[image.Index[chunk].Length];
        _device.ReadExactlyAt(bytes, image.Index[chunk].DeviceOffset);
        return bytes;
    }

    public bool IsVerified(int chunk)
    {
        byte[] bits = new byte[1];
        _verified.ReadExactlyAt(bits, chunk / 8);
        return (bits[0] & (1 << (chunk % 8))) != 0;
    }

    public byte[] IndexBytes()
    {
        byte[] bytes = new byte[_index.Length];
        _index.ReadExactlyAt(bytes, 0);
        return bytes;
    }

    public void Dispose()
    {
        Socket.Dispose();
        _device.Dispose();
        _index.Dispose();
        _verified.Dispose();
    }

    private static byte[] Request(int chunk)
    {
        byte[] message = new byte[ChunkMessage.Size];
        BinaryPrimitives.WriteInt32LittleEndian(message, chunk);
        return message;
    }
}
