using Xunit;

using ZeroOS.Linux;
using ZeroOS.Tests.Engine;

namespace ZeroOS.Tests.Linux.Logging;

public sealed class LineLimitsTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void A_source_that_floods_is_cut_and_counted_and_another_is_still_heard()
    {
        LineLimits limits = new(_time);
        Assert.Equal(LineLimits.Burst, Enumerable.Range(0, 300).Count(i => limits.TryPass($"machine=mallory guest connection {i} ended: not a frame", out _)));
        Assert.True(limits.TryPass("machine=alice guest connection ended: not a frame", out long others));
        Assert.Equal(0, others);
        _time.Advance(LineLimits.Refill);
        Assert.True(limits.TryPass("machine=mallory guest connection ended", out long leftOut));
        Assert.Equal(300 - LineLimits.Burst, leftOut);
        Assert.False(limits.TryPass("machine=mallory guest connection ended", out _));
    }

    [Fact]
    public void A_million_lines_of_made_up_sources_are_bounded_in_sum_and_in_memory()
    {
        LineLimits limits = new(_time);
        Assert.Equal(LineLimits.SumBurst, Enumerable.Range(0, 1_000_000).Count(i => limits.TryPass($"image={i} forged", out _)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LineLimits.SumPerSecond, Enumerable.Range(0, 10_000).Count(i => limits.TryPass($"image=x{i} forged", out _)));
    }

    [Fact]
    public void A_clock_that_steps_back_gives_nothing_and_takes_nothing()
    {
        LineLimits limits = new(_time);
        for (int i = 0; i < LineLimits.Burst; i++)
            Assert.True(limits.TryPass("clock step", out _));
        _time.Advance(TimeSpan.FromDays(-300));
        Assert.False(limits.TryPass("clock step", out _));
        _time.Advance(LineLimits.Refill);
        Assert.True(limits.TryPass("clock step", out _));
    }
}
