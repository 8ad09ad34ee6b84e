using Xunit;

using ZeroOS.Host.Images;
using ZeroOS.Tests.Linux.Logging;

namespace ZeroOS.Tests.Host.Images;

public sealed class ChunkQueueTests
{
    [Fact]
    public void Two_thousand_random_lives_lose_no_chunk_and_tell_everybody_once()
    {
        for (int seed = 0; seed < 2000; seed++)
        {
            try
            {
                ChunkQueueModel.Run(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }

    [Fact]
    public void Log_lines_are_limited_and_what_is_left_out_is_counted()
    {
        ManualTicks time = new();
        List<string> lines = [];
        LogLimit limit = new(new LineLog(lines.Add), burst: 3, refill: TimeSpan.FromSeconds(10), time);
        for (int i = 0; i < 100; i++)
            limit.Warn($"line {i}");
        Assert.Equal(["line 0", "line 1", "line 2"], lines);
        time.Now += TimeSpan.FromSeconds(11);
        limit.Warn("later");
        limit.Warn("too soon");
        Assert.Equal("later (97 lines like it left out before)", lines[^1]);
        time.Now += TimeSpan.FromHours(1);
        for (int i = 0; i < 100; i++)
            limit.Warn("again");
        Assert.Equal(4 + 3, lines.Count);
    }

    private sealed class ManualTicks : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
