using System.Buffers.Binary;

using Xunit;

using ZeroOS.Vmm.Pci;

namespace ZeroOS.Tests.Vmm.Pci;

public class MsixTableTests
{
    private const ulong Pending = MsixTable.PendingOffset, Control = 12;
    private readonly MsixTable _table = new(3, null);

    [Fact]
    public void A_signal_that_is_masked_waits_and_comes_once_when_the_mask_is_lifted()
    {
        _table.SetControl(enabled: true, functionMasked: false);
        _table.Signal(1);
        _table.Signal(1);
        Assert.Equal((0UL, 2u), (_table.EventOf(1).Take(), Read(Pending)));
        Write((1 * MsixTable.EntrySize) + Control, 0);
        Assert.Equal((1UL, 0u), (_table.EventOf(1).Take(), Read(Pending)));
        _table.Signal(1);
        Assert.Equal(1UL, _table.EventOf(1).Take());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void The_whole_function_masks_every_vector(bool enabled, bool masked)
    {
        Write(Control, 0);
        _table.SetControl(enabled, masked);
        _table.Signal(0);
        Assert.Equal(0UL, _table.EventOf(0).Take());
        _table.SetControl(true, false);
        Assert.Equal(1UL, _table.EventOf(0).Take());
    }

    [Fact]
    public void Entries_read_back_with_their_two_lowest_address_bits_clear()
    {
        Write(0, 0xfee0100f);
        Write(4, 1);
        Write(8, 0x4031);
        Assert.Equal((0xfee0100cu, 1u, 0x4031u, 1u), (Read(0), Read(4), Read(8), Read(12)));
        byte[] two = new byte[8];
        _table.Read(0, two);
        Assert.Equal(0x1_fee0100cUL, BinaryPrimitives.ReadUInt64LittleEndian(two));
    }

    [Fact]
    public void Vectors_that_do_not_exist_do_nothing()
    {
        _table.Signal(-1);
        _table.Signal(3);
        _table.Signal(0xffff);
        Write(3 * MsixTable.EntrySize, 5);
        Assert.Equal(0u, Read(3 * MsixTable.EntrySize));
        Write(Pending, 0xff);
        Assert.Equal((0u, 0u), (Read(Pending), Read(Pending + 4)));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(4, 2)]
    [InlineData(8, 4)]
    public void Accesses_that_are_not_whole_words_are_ignored(int length, int offset)
    {
        byte[] data = [.. Enumerable.Repeat((byte)0x55, length)];
        _table.Write((ulong)offset, data);
        _table.Read((ulong)offset, data);
        Assert.DoesNotContain(data, b => b != 0x55);
        Assert.Equal((0u, 0u), (Read(0), Read(4)));
    }

    [Fact]
    public async Task No_signal_is_lost_between_one_thread_that_signals_and_one_that_masks()
    {
        const int Rounds = 20_000;
        _table.SetControl(true, false);
        Task masks = Task.Run(() =>
        {
            for (int i = 0; i < Rounds; i++)
                Write(Control, (uint)(i & 1));
        });
        for (int i = 0; i < Rounds; i++)
            _table.Signal(0);
        await masks;
        Write(Control, 0);
        ulong before = _table.EventOf(0).Take();
        Assert.InRange(before, 1UL, (ulong)Rounds);
        Assert.Equal(0u, Read(Pending));
        _table.Signal(0);
        Assert.Equal(1UL, _table.EventOf(0).Take());
    }

    private uint Read(ulong offset)
    {
        byte[] word = new byte[4];
        _table.Read(offset, word);
        return BinaryPrimitives.ReadUInt32LittleEndian(word);
    }

    private void Write(ulong offset, uint value) => _table.Write(offset, BitConverter.GetBytes(value));
}
