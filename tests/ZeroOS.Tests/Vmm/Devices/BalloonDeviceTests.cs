using System.Buffers.Binary;

using Xunit;

using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Balloon;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Devices;

public class BalloonDeviceTests
{
    private const ushort Size = 128;
    private const ulong Reporting = 1 << 5;
    private const int Page = 4096;
    private readonly PlayedDriver _driver = new();
    private readonly BalloonDevice _device;
    private int _changes;

    public BalloonDeviceTests()
    {
        _device = new BalloonDevice(_driver.Memory) { ConfigChanged = () => _changes++ };
        _driver.Bytes.AsSpan(0x100000).Fill(0xee);
    }

    [Fact]
    public void Inflated_pages_are_given_back_and_no_neighbour_is_touched()
    {
        Start(_device.Features);
        Assert.Equal(1, Send(0, Pages(0x100, 0x101, 0x110, 0x121, 0x120)));
        Assert.Equal(5 * Page, _device.Counters.InflatedBytes);
        foreach (int page in (int[])[0x100, 0x101, 0x110, 0x120, 0x121])
            Assert.False(_driver.Bytes.AsSpan(page * Page, Page).ContainsAnyExcept((byte)0));
        foreach (int page in (int[])[0x102, 0x10f, 0x111, 0x11f, 0x122])
            Assert.False(_driver.Bytes.AsSpan(page * Page, Page).ContainsAnyExcept((byte)0xee));
    }

    [Fact]
    public void Pages_that_are_not_memory_are_counted_and_nothing_else_happens()
    {
        Start(_device.Features);
        Assert.Equal(1, Send(0, Pages(0x300, uint.MaxValue, 0xc0000)));
        Assert.Equal((0L, 3L), (_device.Counters.InflatedBytes, _device.Counters.RefusedPages));
        Assert.True(_device.Active);
    }

    [Fact]
    public void Reported_memory_is_given_back_in_whole_pages_only()
    {
        Start(_device.Features);
        _driver.Descriptor(3, 0, 0x100000 + 100, 3 * Page, 2 | 1, 1);
        _driver.Descriptor(3, 1, 0x110000, 2 * Page, 2, 0);
        _driver.MakeAvailable(3, Size, 0);
        _device.Notify(3);
        Assert.Single(_driver.TakeUsed(3, Size));
        Assert.Equal(4 * Page, _device.Counters.ReportedBytes);
        Assert.False(_driver.Bytes.AsSpan(0x100000, Page).ContainsAnyExcept((byte)0xee));
        Assert.False(_driver.Bytes.AsSpan(0x101000, 2 * Page).ContainsAnyExcept((byte)0));
        Assert.Equal(0xee, _driver.Bytes[0x103000]);
    }

    [Fact]
    public void A_queue_whose_feature_was_not_agreed_on_takes_no_number()
    {
        Start(VirtioFeatures.Version1 | Reporting);
        _driver.Descriptor(2, 0, 0x100000, Page, 2, 0);
        _driver.MakeAvailable(2, Size, 0);
        _device.Notify(2);
        Assert.Equal(Page, _device.Counters.ReportedBytes);
        _device.Reset();
        _device.Notify(3);
        Assert.Empty(_driver.TakeUsed(3, Size));
    }

    [Fact]
    public void Memory_that_the_guest_fills_when_it_is_freed_stays()
    {
        Start(_device.Features);
        _device.Config.Write(12, [0xaa, 0xaa, 0xaa, 0xaa]);
        _driver.Descriptor(3, 0, 0x100000, Page, 2, 0);
        _driver.MakeAvailable(3, Size, 0);
        _device.Notify(3);
        Assert.Single(_driver.TakeUsed(3, Size));
        Assert.Equal((0L, 1L), (_device.Counters.ReportedBytes, _device.Counters.IgnoredReports));
        Assert.Equal(0xee, _driver.Bytes[0x100000]);
    }

    [Fact]
    public void A_target_is_in_the_configuration_and_the_driver_hears_of_it_and_it_is_never_more_than_there_is()
    {
        _device.SetTarget(3 * Page);
        Assert.Equal(0, _changes);
        Start(_device.Features);
        _device.SetTarget((5 * Page) + 1);
        Assert.Equal((1, 5u), (_changes, Target()));
        _device.SetTarget(long.MaxValue);
        Assert.Equal((uint)(_driver.Bytes.Length / Page), Target());
        _device.SetTarget(-1);
        Assert.Equal(0u, Target());
        _device.Config.Write(4, [2, 0, 0, 0]);
        _device.AskStatistics();
        Assert.Equal(2 * Page, _device.Counters.ActualBytes);
    }

    [Fact]
    public void Statistics_are_kept_and_the_drivers_buffer_comes_back_only_when_they_are_asked_for()
    {
        Start(_device.Features);
        Assert.Equal(0, Send(2, Statistic(4, 1000)));
        Assert.Contains(("guest.free", 1000L), _device.Counters.ByName);
        _device.AskStatistics();
        Assert.Single(_driver.TakeUsed(2, Size));
        _device.AskStatistics();
        Assert.Empty(_driver.TakeUsed(2, Size));
        Assert.Equal(0, Send(2, Statistic(4, ulong.MaxValue), Statistic(60000, 5)));
        Assert.Contains(("guest.free", long.MaxValue), _device.Counters.ByName);
        Assert.DoesNotContain("guest.total", _device.Counters.ByName.Select(c => c.Name));
    }

    [Fact]
    public void A_queue_that_never_becomes_empty_ends_its_turn_and_is_heard_again()
    {
        List<int> again = [];
        _device.Again = again.Add;
        Start(_device.Features);
        for (int i = 0; i < 40; i++)
            _driver.Send(1, Size, [Pages(1)], []);
        _device.Notify(1);
        Assert.Equal([1], again);
        Assert.Equal(16, _driver.TakeUsed(1, Size).Count);
        _device.Notify(1);
        _device.Notify(1);
        Assert.Equal([1, 1], again);
        Assert.Equal(40 * Page, _device.Counters.DeflatedBytes);
    }

    private static byte[] Pages(params uint[] pages)
    {
        byte[] bytes = new byte[pages.Length * 4];
        for (int i = 0; i < pages.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * i), pages[i]);
        return bytes;
    }

    private static byte[] Statistic(ushort tag, ulong value)
    {
        byte[] bytes = new byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, tag);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(2), value);
        return bytes;
    }

    private uint Target()
    {
        byte[] pages = new byte[4];
        _device.Config.Read(0, pages);
        return BinaryPrimitives.ReadUInt32LittleEndian(pages);
    }

    private void Start(ulong features) =>
        _device.Activate([.. Enumerable.Range(0, 4).Select(q => _driver.Make(q, Size, features & VirtioFeatures.Version1))], features);

    private int Send(int queue, params byte[][] data)
    {
        _driver.Send(queue, Size, data, []);
        _device.Notify(queue);
        return _driver.TakeUsed(queue, Size).Count;
    }
}
