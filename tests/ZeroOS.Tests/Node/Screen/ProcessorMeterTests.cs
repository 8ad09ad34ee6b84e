using Xunit;

using ZeroOS.Node.Screen;

namespace ZeroOS.Tests.Node.Screen;

public sealed class ProcessorMeterTests
{
    [Fact]
    public void It_counts_what_happened_since_the_last_look()
    {
        ProcessorMeter meter = new();
        Assert.Equal(0, meter.Percent("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3 4"));
        Assert.Equal(25, meter.Percent("cpu  120 0 105 870 5 0 0 0 0 0\n"));
        Assert.Equal(0, meter.Percent("cpu  120 0 105 870 5 0 0 0 0 0\n"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("cpu")]
    [InlineData("cpu x y z - 99999999999999999999")]
    [InlineData("intr 1 2 3 4 5 6 7 8")]
    public void What_is_no_such_line_is_no_load(string stat)
    {
        ProcessorMeter meter = new();
        _ = meter.Percent(stat);
        Assert.Equal(0, meter.Percent(stat));
    }
}
