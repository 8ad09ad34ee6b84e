using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Rng;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>The entropy device.</summary>
internal sealed class RngTarget : FuzzTarget
{
    private readonly RngDevice _device = new();

    internal override VirtioDevice Device => _device;

    internal override long Work => _device.Counters.Bytes;

    internal override void Ask(PlayedDriver driver, Random random) => driver.Send(0, Size, [], [random.Next(1, 300)]);

    protected override void Close()
    {
    }
}
