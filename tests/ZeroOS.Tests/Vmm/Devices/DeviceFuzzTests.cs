using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Block;
using ZeroOS.Vmm.Devices.Rng;
using ZeroOS.Vmm.Devices.Vsock;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Devices;

/// <summary>One list of random driver operations for every device: descriptors, indices, kicks, resets. Nothing may be thrown, and the loop must come to rest.</summary>
public class DeviceFuzzTests
{
    private const ushort Size = 16;

    [Theory]
    [InlineData("block")]
    [InlineData("rng")]
    [InlineData("vsock")]
    public void Ten_thousand_random_driver_operations_break_the_device_at_worst(string kind)
    {
        using EventLoop loop = new();
        FileDescriptor file = FileDescriptor.Memory("disk");
        file.SetLength(1 << 20);
        VirtioDevice device = kind switch
        {
            "block" => BlockDevice.Open(new VmDisk { Serial = "d", Kind = VmDiskKind.Raw, Descriptor = file.TakeNumber() }, 0, loop),
            "rng" => new RngDevice(),
            _ => new VsockDevice(3, loop, (_, _) => true, TimeProvider.System),
        };
        PlayedDriver driver = new();
        Random random = new(11);
        int queues = device.QueueSizes.Length;
        for (int i = 0; i < 10_000; i++)
        {
            if (!device.Active)
            {
                device.Reset();
                driver = new PlayedDriver();
                device.Activate([.. Enumerable.Range(0, queues).Select(q => driver.Make(q, Size, device.Features))], device.Features);
            }
            int queue = random.Next(queues);
            switch (random.Next(5))
            {
                case 0:
                    ulong address = random.Next(4) == 0 ? (ulong)random.NextInt64() : (ulong)random.Next(0x40000, 0x100000);
                    driver.Descriptor(queue, random.Next(Size), address, (uint)random.Next(0, 5000), (ushort)random.Next(8), (ushort)random.Next(Size + 1));
                    break;
                case 1:
                    byte[] header = new byte[random.Next(60)];
                    random.NextBytes(header);
                    if (header.Length > 4)
                        (header[0], header[1], header[2], header[3]) = ((byte)random.Next(15), 0, 0, 0);
                    driver.Send(queue, Size, [header], [random.Next(1, 600), 1]);
                    break;
                case 2:
                    driver.MakeAvailable(queue, Size, (ushort)random.Next(Size));
                    break;
                case 3 when random.Next(200) == 0:
                    device.Reset();
                    break;
                default:
                    device.Notify(queue);
                    loop.Turn(0);
                    break;
            }
        }
        device.Reset();
        for (int turns = 0; loop.Turn(0); turns++)
            Assert.True(turns < 1000, "the loop spins");
    }
}
