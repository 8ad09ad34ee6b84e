using Xunit;

using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Virtio;

public class CommonConfigTests
{
    private int _commands;

    [Fact]
    public void Queue_configuration_is_immutable_once_the_device_is_active()
    {
        CommonConfig c = Active();
        long before = c.Refused;
        c.Write(24, [4, 0]);
        c.Write(32, [0, 0x50, 0, 0]);
        c.Write(26, [0, 0]);
        Assert.Equal((16, 0x1000UL), (c.Queue(0).Size, c.Queue(0).Descriptors));
        Assert.Equal(3, c.Refused - before);
    }

    [Fact]
    public void Without_the_modern_feature_the_device_refuses_to_go_on()
    {
        CommonConfig c = New();
        c.Write(20, [1]);
        c.Write(20, [3]);
        c.Write(20, [11]);
        Assert.Equal(3, Status(c));
    }

    [Fact]
    public void A_device_that_never_ran_is_reset_at_once_and_an_active_one_when_the_loop_has_done_it()
    {
        CommonConfig c = New();
        c.Write(20, [3]);
        c.Write(20, [0]);
        Assert.Equal((0, 0), (Status(c), _commands));
        c = Active();
        c.Write(20, [0]);
        Assert.Equal(15, Status(c));
        Assert.Equal(DeviceCommand.Reset, c.TakeCommand(out _));
        c.FinishReset();
        Assert.Equal(0, Status(c));
    }

    [Fact]
    public void Any_access_at_any_offset_and_width_with_any_selector_is_survived()
    {
        Random random = new(3);
        CommonConfig c = New();
        byte[] data = new byte[8];
        for (int i = 0; i < 100_000; i++)
        {
            random.NextBytes(data);
            int width = 1 << random.Next(4), offset = random.Next(CommonConfig.Size);
            if (random.Next(2) == 0)
                c.Write(offset, data.AsSpan(0, width));
            else
                c.Read(offset, data.AsSpan(0, width));
            if (c.TakeCommand(out _) == DeviceCommand.Reset)
                c.FinishReset();
        }
        c.Write(20, [0]);
        Assert.True(c.Refused > 0);
    }

    private static byte Status(CommonConfig c)
    {
        byte[] status = new byte[1];
        c.Read(20, status);
        return status[0];
    }

    private CommonConfig New() => new(VirtioFeatures.Common, [16], 2, ConfigSpace.None, () => _commands++);

    private CommonConfig Active()
    {
        CommonConfig c = New();
        c.Write(20, [1]);
        c.Write(20, [3]);
        c.Write(8, [1, 0, 0, 0]);
        c.Write(12, [1, 0, 0, 0]);
        c.Write(20, [11]);
        c.Write(32, [0, 0x10, 0, 0]);
        c.Write(28, [1, 0]);
        c.Write(20, [15]);
        Assert.Equal((15, 1), (Status(c), _commands));
        Assert.Equal(DeviceCommand.Activate, c.TakeCommand(out _));
        return c;
    }
}
