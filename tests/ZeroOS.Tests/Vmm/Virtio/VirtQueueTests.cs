using System.Buffers.Binary;

using Xunit;

using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Virtio;

public class VirtQueueTests
{
    private const ushort Size = 16;
    private readonly PlayedDriver _driver = new();

    [Fact]
    public void A_chain_comes_out_as_it_was_put_in_and_goes_back_with_its_length()
    {
        VirtQueue q = _driver.Make(0, Size);
        DescriptorChain chain = new(Size);
        (ushort head, ulong[] at) = _driver.Send(0, Size, [[1, 2, 3], [4, 5]], [4, 3]);
        Assert.Equal(PopResult.Chain, q.TryPop(chain));
        Assert.Equal((5UL, 7UL), (chain.ReadableBytes, chain.WritableBytes));
        byte[] read = new byte[4];
        Assert.Equal(4, chain.Read(1, read));
        Assert.Equal([2, 3, 4, 5], read);
        Assert.Equal(3, chain.Write(3, [7, 8, 9]));
        Assert.Equal([7], _driver.Bytes[(int)(at[2] + 3)..(int)(at[2] + 4)]);
        Assert.Equal([8, 9], _driver.Bytes[(int)at[3]..(int)(at[3] + 2)]);
        q.Push(chain.Head, 6);
        q.Flush();
        Assert.Equal([(head, 6u)], _driver.TakeUsed(0, Size));
        Assert.Equal(1, _driver.Interrupts[0].Count);
        Assert.Equal(PopResult.Empty, q.TryPop(chain));
    }

    [Fact]
    public void Indices_wrap_and_nothing_is_lost_in_200000_chains()
    {
        VirtQueue q = _driver.Make(0, Size);
        DescriptorChain chain = new(Size);
        for (int i = 0; i < 200_000; i++)
        {
            _driver.Send(0, Size, [[(byte)i]], []);
            Assert.Equal(PopResult.Chain, q.TryPop(chain));
            Assert.True(chain.TryRead(0, out byte value));
            Assert.Equal((byte)i, value);
            q.Push(chain.Head, 0);
        }
        Assert.Equal(PopResult.Empty, q.TryPop(chain));
    }

    [Fact]
    public void An_index_that_jumps_beyond_the_queue_is_broken_not_a_loop()
    {
        VirtQueue q = _driver.Make(0, Size);
        _driver.SetAvailableIndex(0, Size + 1);
        Assert.Equal(PopResult.Broken, q.TryPop(new DescriptorChain(Size)));
    }

    [Theory]
    [InlineData(0UL, 8u, (ushort)1, (ushort)0)] // a loop onto itself
    [InlineData(0UL, 8u, (ushort)1, (ushort)99)] // next outside the table
    [InlineData(1UL << 40, 8u, (ushort)0, (ushort)0)] // outside memory
    [InlineData(0x100000UL, 0xffffffffu, (ushort)0, (ushort)0)] // longer than memory
    [InlineData(ulong.MaxValue - 3, 8u, (ushort)0, (ushort)0)] // wraps
    [InlineData(0x1000UL, 16u, (ushort)4, (ushort)0)] // indirect, not negotiated
    public void A_descriptor_that_breaks_a_rule_is_broken(ulong address, uint length, ushort flags, ushort next)
    {
        VirtQueue q = _driver.Make(0, Size);
        _driver.Descriptor(0, 0, address, length, flags, next);
        _driver.MakeAvailable(0, Size, 0);
        Assert.Equal(PopResult.Broken, q.TryPop(new DescriptorChain(Size)));
    }

    [Fact]
    public void Readable_after_writable_is_broken()
    {
        VirtQueue q = _driver.Make(0, Size);
        _driver.Descriptor(0, 0, 0x50000, 8, 1 | 2, 1);
        _driver.Descriptor(0, 1, 0x51000, 8, 0, 0);
        _driver.MakeAvailable(0, Size, 0);
        Assert.Equal(PopResult.Broken, q.TryPop(new DescriptorChain(Size)));
    }

    [Fact]
    public void An_indirect_table_is_followed_once_and_not_twice()
    {
        VirtQueue q = _driver.Make(0, Size, VirtioFeatures.Version1 | VirtioFeatures.Indirect);
        DescriptorChain chain = new(Size);
        Table(0x60000, 0, 0x50000, 5, 1, 1);
        Table(0x60000, 1, 0x51000, 7, 2, 0);
        _driver.Descriptor(0, 0, 0x60000, 32, 4, 0);
        _driver.MakeAvailable(0, Size, 0);
        Assert.Equal(PopResult.Chain, q.TryPop(chain));
        Assert.Equal((5UL, 7UL), (chain.ReadableBytes, chain.WritableBytes));

        Table(0x60000, 1, 0x60000, 32, 4, 0);
        _driver.MakeAvailable(0, Size, 0);
        Assert.Equal(PopResult.Broken, q.TryPop(chain));
    }

    [Fact]
    public void An_indirect_table_may_be_as_long_as_the_queue_and_not_longer()
    {
        VirtQueue q = _driver.Make(0, Size, VirtioFeatures.Version1 | VirtioFeatures.Indirect);
        DescriptorChain chain = new(Size);
        for (int i = 0; i <= Size; i++)
            Table(0x60000, i, 0x50000, 8, (ushort)(i < Size - 1 ? 1 : 0), (ushort)(i + 1));
        _driver.Descriptor(0, 0, 0x60000, Size * 16, 4, 0);
        _driver.MakeAvailable(0, Size, 0);
        Assert.Equal(PopResult.Chain, q.TryPop(chain));
        Assert.Equal(8UL * Size, chain.ReadableBytes);
        _driver.Descriptor(0, 0, 0x60000, (Size + 1) * 16, 4, 0);
        _driver.MakeAvailable(0, Size, 0);
        Assert.Equal(PopResult.Broken, q.TryPop(chain));
    }

    [Theory]
    [InlineData((ushort)0, 0x1000UL, 0x2000UL, 0x3000UL)]
    [InlineData((ushort)12, 0x1000UL, 0x2000UL, 0x3000UL)]
    [InlineData((ushort)32, 0x1000UL, 0x2000UL, 0x3000UL)]
    [InlineData((ushort)16, 0x1008UL, 0x2000UL, 0x3000UL)]
    [InlineData((ushort)16, 0x1000UL, 0x2001UL, 0x3000UL)]
    [InlineData((ushort)16, 0x1000UL, 0x2000UL, 0x3002UL)]
    [InlineData((ushort)16, 0x1ffff0UL, 0x2000UL, 0x3000UL)]
    [InlineData((ushort)16, 0x1000UL, 0x2000UL, 0xc0000000UL)]
    public void A_misplaced_queue_is_not_made(ushort size, ulong descriptors, ulong available, ulong used) =>
        Assert.Null(VirtQueue.TryCreate(_driver.Memory, new QueueLayout { Size = size, Descriptors = descriptors, Available = available, Used = used }, Size,
            0, _driver.Interrupts[0]));

    [Fact]
    public void With_event_index_the_driver_is_interrupted_only_where_it_asked()
    {
        VirtQueue q = _driver.Make(0, Size, VirtioFeatures.Version1 | VirtioFeatures.EventIndex);
        DescriptorChain chain = new(Size);
        BinaryPrimitives.WriteUInt16LittleEndian(_driver.Bytes.AsSpan(0x1000 + 0x1000 + 4 + (2 * Size)), 2);
        for (int i = 0; i < 4; i++)
        {
            _driver.Send(0, Size, [[1]], []);
            Assert.Equal(PopResult.Chain, q.TryPop(chain));
            q.Push(chain.Head, 0);
            q.Flush();
            Assert.Equal(i < 2 ? 0 : 1, _driver.Interrupts[0].Count);
        }
    }

    private void Table(int table, int index, ulong address, uint length, ushort flags, ushort next)
    {
        Span<byte> d = _driver.Bytes.AsSpan(table + (index * 16));
        BinaryPrimitives.WriteUInt64LittleEndian(d, address);
        BinaryPrimitives.WriteUInt32LittleEndian(d[8..], length);
        BinaryPrimitives.WriteUInt16LittleEndian(d[12..], flags);
        BinaryPrimitives.WriteUInt16LittleEndian(d[14..], next);
    }
}
