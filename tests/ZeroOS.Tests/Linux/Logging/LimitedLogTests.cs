using Xunit;

using ZeroOS.Linux;
using ZeroOS.Tests.Engine;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Linux.Logging;

public sealed class LimitedLogTests
{
    [Fact]
    public void Lines_of_a_source_are_limited_and_what_is_left_out_is_counted()
    {
        ManualTime time = new();
        List<string> lines = [];
        LimitedLog log = new(new LineLog(lines.Add), new LineLimits(time, burst: 3, refill: TimeSpan.FromSeconds(10), sumBurst: 50, sumPerSecond: 1));
        for (int i = 0; i < 100; i++)
            log.Warn($"image=a waits {i}");
        Assert.Equal(["image=a waits 0", "image=a waits 1", "image=a waits 2"], lines);
        log.Info("image=b ready");
        Assert.Equal("image=b ready", lines[^1]);
        time.Advance(TimeSpan.FromSeconds(11));
        log.Warn("image=a waits later");
        log.Error("image=a waits too soon");
        Assert.Equal("image=a waits later (97 lines like it left out before)", lines[^1]);
        time.Advance(TimeSpan.FromHours(1));
        for (int i = 0; i < 100; i++)
            log.Warn("image=a waits again");
        Assert.Equal(5 + 3, lines.Count);
    }

    [Fact]
    public void Many_sources_are_not_louder_than_all_may_be()
    {
        ManualTime time = new();
        List<string> lines = [];
        LimitedLog log = new(new LineLog(lines.Add), new LineLimits(time, burst: 8, sumBurst: 50, sumPerSecond: 1));
        for (int i = 0; i < 1000; i++)
            log.Warn($"image={i} ready");
        Assert.Equal(50, lines.Count);
    }
}
