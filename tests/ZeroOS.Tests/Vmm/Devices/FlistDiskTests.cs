using System.Buffers.Binary;

using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Devices.Block;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Tests.Vmm.Devices;

public sealed class FlistDiskTests : IDisposable
{
    private const ushort Size = 128;
    internal const int Chunk = 8192, Chunks = 4;
    private readonly PlayedDriver _driver = new();
    private readonly EventLoop _loop = new();
    private readonly FileDescriptor _device = FileDescriptor.Memory("device");
    private readonly FileDescriptor _verified = FileDescriptor.Memory("verified");
    private readonly SeqPacketSocket _node;
    private readonly SeqPacketSocket _monitor;

    public FlistDiskTests()
    {
        _device.SetLength(Chunk * 8);
        _verified.SetLength(1);
        (_node, _monitor) = SeqPacketSocket.Pair();
    }

    public void Dispose()
    {
        _loop.Dispose();
        _device.Dispose();
        _verified.Dispose();
        _node.Dispose();
    }

    [Fact]
    public void A_read_of_a_missing_chunk_asks_once_and_completes_when_it_is_there()
    {
        using BlockDevice disk = Open();
        ulong at = Read(disk, 0, 4096);
        ulong second = Read(disk, 8, 4096);
        Assert.Empty(_driver.TakeUsed(0, Size));
        Assert.Equal((0u, ChunkMessage.Need), Hear());
        Assert.Null(Hear());

        Put(0, 0x41);
        Say(0, ChunkMessage.Ready);
        WaitForUsed(2);
        Assert.Equal(0x41, _driver.Bytes[(int)at]);
        Assert.Equal(0x41, _driver.Bytes[(int)second]);
    }

    [Fact]
    public void A_read_across_two_missing_chunks_waits_for_both()
    {
        using BlockDevice disk = Open();
        ulong at = Read(disk, 8, 8192);
        Assert.Equal((0u, ChunkMessage.Need), Hear());
        Assert.Equal((1u, ChunkMessage.Need), Hear());
        Put(1, 0x42);
        Say(1, ChunkMessage.Ready);
        _loop.Turn(1000);
        Assert.Empty(_driver.TakeUsed(0, Size));
        Put(0, 0x41);
        Say(0, ChunkMessage.Ready);
        WaitForUsed(1);
        Assert.Equal((0x41, 0x42), (_driver.Bytes[(int)at], _driver.Bytes[(int)at + 4096]));
    }

    [Fact]
    public void A_message_without_the_verified_bit_opens_nothing_and_the_chunk_is_asked_for_again()
    {
        using BlockDevice disk = Open();
        Read(disk, 0, 4096);
        Assert.Equal((0u, ChunkMessage.Need), Hear());
        Say(0, ChunkMessage.Ready);
        _loop.Turn(1000);
        Assert.Empty(_driver.TakeUsed(0, Size));
        Assert.Equal((0u, ChunkMessage.Need), Hear());
    }

    [Fact]
    public void A_new_node_hears_again_what_is_missing()
    {
        using BlockDevice disk = Open();
        Read(disk, 16, 4096);
        Assert.Equal((1u, ChunkMessage.Need), Hear());
        Say(0, ChunkMessage.Hello);
        _loop.Turn(1000);
        Assert.Equal((1u, ChunkMessage.Need), Hear());
    }

    [Fact]
    public void Between_chunks_the_device_reads_as_zeros_without_asking()
    {
        using BlockDevice disk = Open();
        ulong at = Read(disk, Chunk * Chunks / 512, 4096);
        WaitForUsed(1);
        Assert.Equal(0, _driver.Bytes[(int)at]);
        Assert.Null(Hear());
        Assert.NotEqual(0UL, disk.Features & (1 << 5));
    }

    [Fact]
    public void A_damaged_index_or_short_bitmap_is_refused()
    {
        byte[] damaged = Index();
        damaged[0] ^= 1;
        Assert.Throws<ConfigException>(() => Open(damaged));
        _verified.SetLength(0);
        Assert.Throws<ConfigException>(() => Open());
    }

    internal static byte[] Index()
    {
        byte[] index = new byte[64 + 32 + (96 * Chunks)];
        "ZFLIST1\0"u8.CopyTo(index);
        BinaryPrimitives.WriteUInt32LittleEndian(index.AsSpan(8), 1);
        BinaryPrimitives.WriteInt64LittleEndian(index.AsSpan(16), Chunk * 8);
        BinaryPrimitives.WriteUInt32LittleEndian(index.AsSpan(24), 4096);
        BinaryPrimitives.WriteUInt32LittleEndian(index.AsSpan(28), Chunks);
        BinaryPrimitives.WriteUInt32LittleEndian(index.AsSpan(32), 1);
        for (int i = 0; i < Chunks; i++)
        {
            Span<byte> r = index.AsSpan(96 + (96 * i));
            BinaryPrimitives.WriteInt64LittleEndian(r, i * Chunk);
            BinaryPrimitives.WriteUInt32LittleEndian(r[8..], Chunk);
            BinaryPrimitives.WriteInt64LittleEndian(r[16..], i * Chunk);
            BinaryPrimitives.WriteUInt32LittleEndian(r[24..], Chunk);
        }
        return index;
    }

    private BlockDevice Open(byte[]? bytes = null)
    {
        FileDescriptor index = FileDescriptor.Memory("index");
        index.WriteAt(bytes ?? Index(), 0);
        VmDisk config = new()
        {
            Serial = "root",
            Kind = VmDiskKind.Flist,
            Descriptor = _device.Duplicate().TakeNumber(),
            IndexDescriptor = index.TakeNumber(),
            VerifiedDescriptor = _verified.Duplicate().TakeNumber(),
            ChunkDescriptor = _monitor.Descriptor.TakeNumber(),
        };
        BlockDevice disk = BlockDevice.Open(config, 0, _loop);
        disk.Activate([_driver.Make(0, Size)], disk.Features);
        return disk;
    }

    private ulong Read(BlockDevice disk, ulong sector, int bytes)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        (_, ulong[] at) = _driver.Send(0, Size, [header], [bytes, 1]);
        disk.Notify(0);
        return at[1];
    }

    private void Put(int chunk, byte value)
    {
        _device.WriteAt([.. Enumerable.Repeat(value, Chunk)], chunk * Chunk);
        byte[] bits = new byte[1];
        _verified.ReadExactlyAt(bits, 0);
        bits[0] |= (byte)(1 << chunk);
        _verified.WriteAt(bits, 0);
    }

    private void Say(uint chunk, uint code)
    {
        byte[] message = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(message, chunk);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), code);
        Assert.Equal(Errno.None, _node.TrySend(message));
    }

    private (uint Chunk, uint Code)? Hear()
    {
        byte[] message = new byte[8];
        return _node.TryReceive(message, out int length, out _, wait: false) == Errno.None && length == 8
            ? (BinaryPrimitives.ReadUInt32LittleEndian(message), BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(4))) : null;
    }

    private void WaitForUsed(int count)
    {
        int seen = _driver.TakeUsed(0, Size).Count;
        for (int i = 0; i < 100 && seen < count; i++)
        {
            _loop.Turn(1000);
            seen += _driver.TakeUsed(0, Size).Count;
        }
        Assert.Equal(count, seen);
    }
}
