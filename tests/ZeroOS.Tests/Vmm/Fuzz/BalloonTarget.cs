using System.Buffers.Binary;

using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Balloon;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>The balloon in a memory of its own: pages it gives back are not those the rings lie in, so that the driver plays on.</summary>
internal sealed class BalloonTarget : FuzzTarget
{
    private readonly BalloonDevice _device = new(new PlayedDriver().Memory);

    internal override VirtioDevice Device => _device;

    internal override long Work => _device.Counters.InflatedBytes / 4096;

    internal override void Ask(PlayedDriver driver, Random random)
    {
        byte[] pages = new byte[4 * random.Next(1, 40)];
        for (int at = 0; at < pages.Length; at += 4)
            BinaryPrimitives.WriteUInt32LittleEndian(pages.AsSpan(at), (uint)random.Next(random.Next(10) == 0 ? int.MaxValue : 512));
        driver.Send(random.Next(3), Size, [pages], []);
    }

    internal override void Answer(Random random)
    {
        if (random.Next(3) == 0)
            _device.AskStatistics();
        else
            _device.SetTarget(random.NextInt64());
    }

    protected override void Close()
    {
    }
}
