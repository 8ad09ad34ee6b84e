using System.Net;

using Xunit;

using ZeroOS.Bus.Gates;

namespace ZeroOS.Tests.Bus.Gates;

/// <summary>Who gets the tokens when there are too few for all who ask.</summary>
public sealed class BucketTreeTests
{
    private const int PerSecond = 640;

    private readonly ManualClock _clock = new();
    private readonly BucketTree _buckets;

    public BucketTreeTests() => _buckets = new BucketTree(_clock, PerSecond, 2 * PerSecond, 64);

    [Theory]
    [InlineData(64)]
    [InlineData(1792)]
    [InlineData(4096)]
    public void Networks_that_flood_share_the_rate_and_one_that_comes_anew_need_not_wait(int networks)
    {
        // Until every network of the flood had a turn, all of them are new.
        const int Seconds = 60, FirstTurn = 15, StepsPerSecond = 50, TriesPerStep = 200;
        Random random = new(1);
        int taken = 0, newcomers = 0, served = 0;
        for (int step = 0; step < Seconds * StepsPerSecond; step++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1.0 / StepsPerSecond));
            for (int i = 0; i < TriesPerStep; i++)
            {
                int network = random.Next(networks);
                taken += _buckets.TryTake(At($"10.{network >> 8}.{network & 255}.{random.Next(256)}")) ? 1 : 0;
            }
            if (step % StepsPerSecond != 0 || step < FirstTurn * StepsPerSecond)
                continue;
            newcomers++;
            served += _buckets.TryTake(At($"192.0.{step / StepsPerSecond}.1")) ? 1 : 0;
        }
        Assert.InRange(taken, 0.9 * PerSecond * Seconds, (PerSecond * Seconds) + (2 * PerSecond));
        Assert.InRange(served, newcomers - (newcomers / 20), newcomers);    // networks that share both their times with others are few
    }

    [Fact]
    public void What_failures_cost_afterwards_is_paid_by_the_networks_that_fail()
    {
        Random random = new(1);
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(0.5));
            int network = random.Next(1024);
            Origin forger = At($"10.{network >> 8}.{network & 255}.1");
            if (_buckets.Has(forger))
                _buckets.Take(forger, 1);
            refused += _buckets.Has(At("192.0.2.1")) ? 0 : 1;
        }
        Assert.Equal(0, refused);
    }

    [Fact]
    public void Who_waited_the_longest_rest_is_told_from_nobody()
    {
        Origin once = At("192.0.2.1");
        Assert.True(_buckets.TryTake(once));
        _clock.Advance(BucketTree.LongestRest + TimeSpan.FromSeconds(1));
        for (int i = 0; i < (2 * PerSecond) - 1; i++)
            Assert.True(_buckets.TryTake(At($"10.{i >> 8}.{i & 255}.1")));
        Assert.False(_buckets.TryTake(At("10.0.0.1")));
        Assert.True(_buckets.TryTake(once));
    }

    private static Origin At(string address) => Origin.Of(IPAddress.Parse(address));
}
