using Xunit;

using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Rng;

namespace ZeroOS.Tests.Vmm.Devices;

public class RngDeviceTests
{
    [Fact]
    public void Every_byte_of_a_buffer_is_filled_and_a_huge_claim_is_cut()
    {
        PlayedDriver driver = new();
        RngDevice device = new();
        device.Activate([driver.Make(0, 64)], device.Features);
        (_, ulong[] at) = driver.Send(0, 64, [], [64, 256]);
        device.Notify(0);
        Assert.Equal(320u, Assert.Single(driver.TakeUsed(0, 64)).Length);
        Assert.True(driver.Bytes.AsSpan((int)at[0], 64).ContainsAnyExcept((byte)0));

        for (int i = 0; i < 64; i++)
            driver.Descriptor(0, i, 0, 1 << 20, (ushort)(2 | (i < 63 ? 1 : 0)), (ushort)(i + 1));
        driver.Bytes.AsSpan(0x10000).Clear();
        driver.MakeAvailable(0, 64, 0);
        // The 64 descriptors claim 64 MiB over each other; the rings lie in the range too, so only what was written to them before counts.
        device.Notify(0);
        Assert.True(device.Counters.Bytes <= 320 + (2 * 64 * 1024));
    }

    [Fact]
    public void A_kick_of_a_queue_that_was_never_enabled_does_nothing()
    {
        RngDevice device = new();
        device.Activate([null], device.Features);
        device.Notify(0);
        Assert.True(device.Active);
    }

    [Fact]
    public void A_driver_that_refills_without_end_is_heard_again_after_everything_else()
    {
        PlayedDriver driver = new();
        List<int> again = [];
        RngDevice device = new() { Again = again.Add };
        device.Activate([driver.Make(0, 64)], device.Features);
        for (int i = 0; i < 20; i++)
            driver.Send(0, 64, [], [8]);
        device.Notify(0);
        Assert.Equal((16, 1L), (driver.TakeUsed(0, 64).Count, device.Counters.Postponed));
        device.Notify(0);
        Assert.Equal([0], again);
        Assert.Equal(4, driver.TakeUsed(0, 64).Count);
    }
}
