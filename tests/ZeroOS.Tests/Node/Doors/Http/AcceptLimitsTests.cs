using System.Net;

using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Node.Doors.Http;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Node.Doors.Http;

public sealed class AcceptLimitsTests
{
    private readonly ManualClock _clock = new();
    private readonly AcceptLimits _limits;

    public AcceptLimitsTests() => _limits = new AcceptLimits(_clock);

    [Fact]
    public void One_origin_gets_its_burst_and_a_sixty_fourth_of_the_rate()
    {
        Origin one = At("192.0.2.1");
        Assert.Equal(AcceptLimits.OriginBurst, Taken(one, 10_000));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(AcceptLimits.PerSecond / 64, Taken(one, 10_000));
    }

    [Fact]
    public void A_flood_from_everywhere_gets_the_rate_and_an_origin_with_a_proof_its_own()
    {
        Origin owner = At("198.51.100.7");
        _limits.Proven(owner, "owner");
        int taken = 0;
        for (int i = 0; i < 60_000; i++)
            taken += _limits.Allow(At($"10.{i / 250 % 256}.{i % 250}.9")) ? 1 : 0;
        Assert.Equal(2 * AcceptLimits.PerSecond, taken);
        Assert.False(_limits.Allow(At("203.0.113.5")));
        Assert.Equal(2 * AcceptLimits.PerSecondOfKey, Taken(owner, 10_000));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(AcceptLimits.PerSecondOfKey, Taken(owner, AcceptLimits.PerSecondOfKey));
    }

    [Fact]
    public void A_proof_lasts_an_hour_and_a_key_has_eight_of_them_that_share_one_rate()
    {
        for (int i = 0; i <= AcceptLimits.OriginsOfKey; i++)
        {
            _limits.Proven(At($"192.0.2.{i}"), "tenant");
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        Exhaust();
        Assert.False(_limits.Allow(At("192.0.2.0")));       // the oldest of nine
        Assert.Equal(2 * AcceptLimits.PerSecondOfKey,
            Enumerable.Range(0, 1000).Count(i => _limits.Allow(At($"192.0.2.{1 + (i % AcceptLimits.OriginsOfKey)}"))));
        _clock.Advance(AcceptLimits.ProofLasts);
        Exhaust();
        Assert.False(_limits.Allow(At("192.0.2.8")));
    }

    [Fact]
    public void Keys_without_end_are_remembered_up_to_the_limit_and_the_newest_stay()
    {
        for (int i = 0; i < 3 * AcceptLimits.Origins; i++)
        {
            _limits.Proven(At($"10.0.{i / 250}.{i % 250}"), $"key {i}");
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }
        Exhaust();
        int last = (3 * AcceptLimits.Origins) - 1, gone = last - AcceptLimits.Origins;
        Assert.True(_limits.Allow(At($"10.0.{last / 250}.{last % 250}")));
        Assert.False(_limits.Allow(At($"10.0.{gone / 250}.{gone % 250}")));
    }

    [Fact]
    public void Keys_that_take_turns_at_one_origin_come_back_to_the_rates_they_had()
    {
        Origin shared = At("198.51.100.7");
        int taken = 0;
        for (int i = 0; i < 100; i++)
        {
            _limits.Proven(shared, $"key {i % 2}");
            taken += Taken(shared, 10);
        }
        Assert.InRange(taken, 2 * 2 * AcceptLimits.PerSecondOfKey, (2 * 2 * AcceptLimits.PerSecondOfKey) + AcceptLimits.OriginBurst);
    }

    private static Origin At(string address) => Origin.Of(IPAddress.Parse(address));

    private int Taken(Origin origin, int tries) => Enumerable.Range(0, tries).Count(_ => _limits.Allow(origin));

    /// <summary>Strangers take all that strangers can.</summary>
    private void Exhaust()
    {
        for (int i = 0; i < 60_000; i++)
            _ = _limits.Allow(At($"172.{i / 250 % 256}.{i % 250}.9"));
    }
}
