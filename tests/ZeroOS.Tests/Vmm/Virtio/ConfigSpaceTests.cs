using System.Runtime.InteropServices;

using Xunit;

using ZeroOS.Vmm.Devices.Balloon;
using ZeroOS.Vmm.Devices.Block;
using ZeroOS.Vmm.Devices.Net;
using ZeroOS.Vmm.Devices.Vsock;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Virtio;

public class ConfigSpaceTests
{
    [Fact]
    public unsafe void Structures_are_as_long_as_those_of_the_standard() =>
        Assert.Equal((60, 12, 8, 16), (sizeof(BlockConfig), sizeof(NetConfig), sizeof(VsockConfig), sizeof(BalloonConfig)));

    [Fact]
    public void Fields_of_a_disk_are_where_the_standard_puts_them()
    {
        ConfigSpace<BlockConfig> space = new(BlockConfig.For(1 << 20, 128));
        Assert.Equal((2048u, 126u, 512u, 1u, 1u << 22, 1u),
            (Word(space, 0), Word(space, 12), Word(space, 20), Word(space, 34) & 0xffff, Word(space, 48), Word(space, 56)));
    }

    [Fact]
    public void A_driver_changes_only_the_bits_that_are_its_own_and_the_device_only_the_others()
    {
        ConfigSpace<BalloonConfig> space = new(new BalloonConfig { Pages = 5 }, BalloonConfig.Writable);
        space.Write(0, [1, 1, 1, 1, 7, 0, 0, 0]);
        Assert.Equal((5u, 7u), (space.Value.Pages, space.Value.Actual));
        space.Change(new BalloonConfig { Pages = 9, Actual = 100 });
        Assert.Equal((9u, 7u), (space.Value.Pages, space.Value.Actual));
    }

    [Fact]
    public void Generation_counts_what_the_device_changes_and_not_what_the_driver_writes()
    {
        ConfigSpace<BalloonConfig> space = new(default, BalloonConfig.Writable);
        space.Write(4, [1, 2, 3, 4]);
        Assert.Equal(0, space.Generation);
        space.Change(new BalloonConfig { Pages = 1 });
        Assert.Equal(1, space.Generation);
    }

    [Fact]
    public void Accesses_beyond_the_end_read_zeros_and_write_nothing()
    {
        ConfigSpace<VsockConfig> space = new(new VsockConfig { GuestCid = ulong.MaxValue });
        byte[] data = [1, 1, 1, 1, 1, 1, 1, 1];
        space.Read(4, data);
        Assert.Equal([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], data);
        space.Read(200, data);
        Assert.Equal(new byte[8], data);
        space.Write(4, data);
        space.Write(200, data);
        Assert.Equal(ulong.MaxValue, space.Value.GuestCid);
        ConfigSpace.None.Read(0, data);
        ConfigSpace.None.Write(0, data);
    }

    private static uint Word(ConfigSpace space, int offset)
    {
        uint word = 0;
        space.Read(offset, MemoryMarshal.AsBytes(new Span<uint>(ref word)));
        return word;
    }
}
