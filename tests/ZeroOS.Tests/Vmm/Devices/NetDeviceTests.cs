using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Net;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Devices;

/// <summary>A card whose tap is one end of a socket pair that keeps frames apart, as a tap does.</summary>
public sealed class NetDeviceTests : IDisposable
{
    private const ushort Size = 256;
    private const int Header = 12;
    private const ulong Merge = 1 << 15;
    private readonly PlayedDriver _driver = new();
    private readonly EventLoop _loop = new();
    private readonly SeqPacketSocket _outside;
    private readonly NetDevice _device;
    private string? _broken;

    public NetDeviceTests()
    {
        (_outside, SeqPacketSocket tap) = SeqPacketSocket.Pair();
        _device = NetDevice.Open(new VmNic { TapDescriptor = tap.Descriptor.TakeNumber(), Mac = "02:00:00:00:00:2a", Mtu = 1400 }, 0, _loop);
        _device.Broken = reason => _broken = reason;
    }

    public void Dispose()
    {
        _device.Dispose();
        _outside.Dispose();
        _loop.Dispose();
    }

    [Fact]
    public void Address_and_mtu_are_in_the_configuration()
    {
        byte[] config = new byte[12];
        _device.Config.Read(0, config);
        Assert.Equal([2, 0, 0, 0, 0, 0x2a], config[..6]);
        Assert.Equal(1400, BitConverter.ToUInt16(config, 10));
    }

    [Fact]
    public void A_frame_in_pieces_leaves_as_one()
    {
        Start();
        _driver.Send(1, Size, [new byte[Header], [1, 2, 3], [4, 5]], []);
        _device.Notify(1);
        Assert.Single(_driver.TakeUsed(1, Size));
        Assert.Equal([1, 2, 3, 4, 5], Outside()![Header..]);
        Assert.Equal((1L, Header + 5L), (_device.Counters.Sent, _device.Counters.SentBytes));
    }

    [Fact]
    public void A_frame_of_no_or_too_many_bytes_is_dropped_and_given_back()
    {
        Start();
        _driver.Send(1, Size, [new byte[Header]], []);
        _driver.Send(1, Size, [new byte[Header], new byte[65563]], []);
        _device.Notify(1);
        Assert.Equal(2, _driver.TakeUsed(1, Size).Count);
        Assert.Equal((0L, 2L), (_device.Counters.Sent, _device.Counters.Dropped));
        Assert.Null(Outside());
    }

    [Fact]
    public void A_frame_fills_as_many_buffers_as_it_needs_and_its_header_says_how_many()
    {
        Start(Merge);
        ulong first = Offer(40), second = Offer(40);
        byte[] frame = [.. new byte[Header], .. Enumerable.Range(0, 50).Select(i => (byte)i)];
        _outside.TrySend(frame);
        _device.Notify(0);
        List<(uint Head, uint Length)> used = _driver.TakeUsed(0, Size);
        Assert.Equal([40u, 22u], used.Select(u => u.Length));
        Assert.Equal(2, _driver.Bytes[(int)first + 10]);
        Assert.Equal(frame[40..], _driver.Bytes[(int)second..((int)second + 22)]);
    }

    [Fact]
    public void Without_merging_a_frame_takes_one_buffer_and_one_that_is_too_small_stops_the_device()
    {
        Start();
        Offer(1600);
        _outside.TrySend(new byte[Header + 60]);
        _device.Notify(0);
        Assert.Equal(Header + 60u, Assert.Single(_driver.TakeUsed(0, Size)).Length);
        Offer(30);
        _outside.TrySend(new byte[Header + 60]);
        _device.Notify(0);
        Assert.NotNull(_broken);
        Assert.False(_device.Active);
        Assert.False(_loop.Turn(0));
    }

    [Fact]
    public void A_frame_without_a_buffer_waits_and_nothing_spins()
    {
        Start(Merge);
        _device.Notify(0);
        _outside.TrySend(new byte[Header + 60]);
        Assert.True(_loop.Turn(1000));
        Assert.False(_loop.Turn(0));
        Assert.Empty(_driver.TakeUsed(0, Size));
        Offer(1600);
        _device.Notify(0);
        Assert.Single(_driver.TakeUsed(0, Size));
        _outside.TrySend(new byte[Header + 61]);
        Offer(1600);
        Assert.True(_loop.Turn(1000));
        Assert.Equal(Header + 61u, Assert.Single(_driver.TakeUsed(0, Size)).Length);
    }

    [Fact]
    public void A_tap_that_was_taken_away_does_not_keep_the_loop_awake()
    {
        Start(Merge);
        Offer(1600);
        _device.Notify(0);
        _outside.Dispose();
        for (int turns = 0; _loop.Turn(0); turns++)
            Assert.True(turns < 10, "the loop spins");
        _driver.Send(1, Size, [new byte[Header], new byte[60]], []);
        _device.Notify(1);
        Assert.Equal(1, _device.Counters.Dropped);
        _device.Reset();
    }

    [Fact]
    public void A_card_that_has_more_to_send_than_a_turn_takes_is_heard_again()
    {
        List<int> again = [];
        _device.Again = again.Add;
        Start();
        for (int i = 0; i < 70; i++)
            _driver.Send(1, Size, [new byte[Header], [1]], []);
        _device.Notify(1);
        Assert.Equal([1], again);
        Assert.Equal(64, _driver.TakeUsed(1, Size).Count);
    }

    [Fact]
    public void A_reset_forgets_the_frame_that_waited()
    {
        Start(Merge);
        _outside.TrySend(new byte[Header + 60]);
        _device.Notify(0);
        _device.Reset();
        _driver.Bytes.AsSpan().Clear();
        Assert.False(_loop.Turn(0));
        Assert.Equal(0, _device.Counters.Received);
    }

    private void Start(ulong features = 0) =>
        _device.Activate([_driver.Make(0, Size), _driver.Make(1, Size)], VirtioFeatures.Version1 | features);

    private ulong Offer(int bytes) => _driver.Send(0, Size, [], [bytes]).Addresses[0];

    private byte[]? Outside()
    {
        byte[] frame = new byte[SeqPacketSocket.MaxMessage];
        return _outside.TryReceive(frame, out int length, out _, wait: false) == Errno.None && length > 0 ? frame[..length] : null;
    }
}
