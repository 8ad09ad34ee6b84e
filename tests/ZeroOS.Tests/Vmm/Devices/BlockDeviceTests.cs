using System.Buffers.Binary;
using System.Text;

using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Block;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Tests.Vmm.Devices;

public sealed class BlockDeviceTests : IDisposable
{
    private const ushort Size = 128;
    private const int DiskBytes = 1 << 20;
    private readonly PlayedDriver _driver = new();
    private readonly EventLoop _loop = new();
    private readonly FileDescriptor _file = FileDescriptor.Memory("disk");
    private readonly byte[] _content = new byte[DiskBytes];

    public BlockDeviceTests()
    {
        new Random(1).NextBytes(_content);
        _file.WriteAt(_content, 0);
    }

    public void Dispose()
    {
        _loop.Dispose();
        _file.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Reads_and_writes_move_the_right_bytes_in_scattered_pieces(bool ring)
    {
        using BlockDevice device = Start(ring);
        (byte status, ulong[] at) = Do(device, 0, 5, [], [1024, 512]);
        Assert.Equal(0, status);
        Assert.Equal(_content.AsSpan(5 * 512, 1024), _driver.Bytes.AsSpan((int)at[1], 1024));
        Assert.Equal(_content.AsSpan((5 * 512) + 1024, 512), _driver.Bytes.AsSpan((int)at[2], 512));

        byte[] data = [.. Enumerable.Repeat((byte)0x5a, 1024)];
        Assert.Equal(0, Do(device, 1, 7, [data[..512], data[512..]], []).Status);
        Assert.Equal(0, Do(device, 4, 0, [], []).Status);
        byte[] written = new byte[1024];
        _file.ReadExactlyAt(written, 7 * 512);
        Assert.Equal(data, written);
        Assert.Equal(1, device.Counters.Flushes);
    }

    [Theory]
    [InlineData(0u, (DiskBytes / 512) - 1UL, 1024)]
    [InlineData(0u, ulong.MaxValue, 512)]
    [InlineData(0u, ulong.MaxValue / 512, 512)]
    [InlineData(0u, 0UL, 511)]
    public void Read_beyond_capacity_returns_io_error_and_leaves_memory_untouched(uint type, ulong sector, int bytes)
    {
        using BlockDevice device = Start(true);
        (byte status, ulong[] at) = Do(device, type, sector, [], [bytes]);
        Assert.Equal(1, status);
        Assert.False(_driver.Bytes.AsSpan((int)at[1], bytes).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Write_to_a_read_only_disk_returns_io_error_and_leaves_the_file_untouched()
    {
        using BlockDevice device = Start(true, readOnly: true);
        Assert.NotEqual(0UL, device.Features & (1 << 5));
        Assert.Equal(1, Do(device, 1, 0, [new byte[512]], []).Status);
        byte[] now = new byte[512];
        _file.ReadExactlyAt(now, 0);
        Assert.Equal(_content[..512], now);
    }

    [Fact]
    public void The_serial_number_is_read_and_an_unknown_request_is_unsupported()
    {
        using BlockDevice device = Start(true);
        (byte status, ulong[] at) = Do(device, 8, 0, [], [20]);
        Assert.Equal(0, status);
        Assert.Equal("root", Encoding.ASCII.GetString(_driver.Bytes, (int)at[1], 20).TrimEnd('\0'));
        Assert.Equal(2, Do(device, 77, 0, [], [512]).Status);
    }

    [Fact]
    public void Discard_gives_the_range_back_as_zeros_and_not_a_byte_more()
    {
        using BlockDevice device = Start(true);
        byte[] range = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(range, 8);
        BinaryPrimitives.WriteUInt32LittleEndian(range.AsSpan(8), 16);
        Assert.Equal(0, Do(device, 11, 0, [range], []).Status);
        byte[] now = new byte[DiskBytes];
        _file.ReadExactlyAt(now, 0);
        Assert.False(now.AsSpan(4096, 8192).ContainsAnyExcept((byte)0));
        Assert.Equal(_content.AsSpan(0, 4096), now.AsSpan(0, 4096));
        Assert.Equal(_content.AsSpan(4096 + 8192), now.AsSpan(4096 + 8192));

        BinaryPrimitives.WriteUInt64LittleEndian(range, ulong.MaxValue - 3);
        Assert.Equal(1, Do(device, 11, 0, [range], []).Status);
    }

    [Fact]
    public void A_request_without_a_status_byte_stops_the_device_and_not_the_monitor()
    {
        using BlockDevice device = Start(true);
        string? broken = null;
        device.Broken = reason => broken = reason;
        _driver.Send(0, Size, [new byte[16]], []);
        device.Notify(0);
        Assert.NotNull(broken);
        Assert.False(device.Active);
    }

    [Fact]
    public void A_reset_with_requests_in_flight_writes_nothing_to_the_guest_afterwards()
    {
        using BlockDevice device = Start(true);
        for (int i = 0; i < 40; i++)
            _driver.Send(0, Size, [Header(0, (ulong)i)], [512, 1]);
        device.Notify(0);
        _ = _driver.TakeUsed(0, Size);
        device.Reset();
        _driver.Bytes.AsSpan(0x40000).Fill(0xee);
        while (_loop.Turn(0))
        {
        }
        Assert.False(_driver.Bytes.AsSpan(0x40000).ContainsAnyExcept((byte)0xee));
        Assert.Empty(_driver.TakeUsed(0, Size));
    }

    private static byte[] Header(uint type, ulong sector)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        return header;
    }

    private BlockDevice Start(bool ring, bool readOnly = false)
    {
        VmDisk disk = new() { Serial = "root", Kind = VmDiskKind.Raw, Descriptor = _file.Duplicate().TakeNumber(), ReadOnly = readOnly };
        BlockDevice device = BlockDevice.Open(disk, 0, _loop, ring);
        device.Activate([_driver.Make(0, Size)], device.Features);
        return device;
    }

    private (byte Status, ulong[] Addresses) Do(BlockDevice device, uint type, ulong sector, byte[][] data, int[] room)
    {
        (ushort head, ulong[] at) = _driver.Send(0, Size, [Header(type, sector), .. data], [.. room, 1]);
        _driver.Bytes[(int)at[^1]] = 0xff;
        device.Notify(0);
        List<(uint Head, uint Length)> used = _driver.TakeUsed(0, Size);
        for (int i = 0; i < 100 && used.Count == 0; i++)
        {
            _loop.Turn(1000);
            used = _driver.TakeUsed(0, Size);
        }
        Assert.Equal(head, Assert.Single(used).Head);
        return (_driver.Bytes[(int)at[^1]], at);
    }
}
