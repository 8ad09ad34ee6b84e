using System.Buffers.Binary;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Tests.Vmm.Devices;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Block;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>A raw disk of 1 MiB.</summary>
internal sealed class BlockTarget(EventLoop loop, bool ring) : FuzzTarget
{
    private readonly BlockDevice _device = BlockDevice.Open(
        new VmDisk { Serial = "d", Kind = VmDiskKind.Raw, Descriptor = File("disk", 1 << 20).TakeNumber() }, 0, loop, ring);

    internal override VirtioDevice Device => _device;

    internal override long Work => Math.Min(_device.Counters.BytesRead, _device.Counters.BytesWritten) / BlockRequest.SectorSize;

    internal override void Ask(PlayedDriver driver, Random random) => AskDisk(driver, random, [0, 1, 1, 4, 8, 11, 13], 2048);

    protected override void Close() => _device.Dispose();

    /// <summary>A request of one of the types.</summary>
    internal static void AskDisk(PlayedDriver driver, Random random, uint[] types, int sectors)
    {
        byte[] header = new byte[16];
        uint type = types[random.Next(types.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), (ulong)random.Next(sectors));
        int bytes = random.Next(1, 5) * BlockRequest.SectorSize;
        byte[] range = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(range, (ulong)random.Next(sectors));
        BinaryPrimitives.WriteUInt32LittleEndian(range.AsSpan(8), (uint)random.Next(16));
        byte[][] data = type switch { 1 => [header, new byte[bytes]], 11 or 13 => [header, range], _ => [header] };
        driver.Send(0, Size, data, type is 0 or 8 ? [bytes, 1] : [1]);
    }
}
