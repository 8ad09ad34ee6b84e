using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Health;

namespace ZeroOS.Tests.Guest.Health;

/// <summary>Docker's rules (moby, daemon/health.go) by a clock that the test plays.</summary>
public sealed class HealthLedgerTests
{
    private const long Started = 1_000_000;
    private static readonly GuestHealth s_check = new()
    {
        IntervalMs = 30_000,
        TimeoutMs = 30_000,
        Retries = 3,
        StartPeriodMs = 20_000,
        StartIntervalMs = 5_000,
    };

    private readonly HealthLedger _ledger = new(s_check, Started);

    [Fact]
    public void Failures_in_the_start_period_do_not_count_and_probes_come_by_its_interval()
    {
        Assert.Equal(5_000, _ledger.NextInMs(Started));
        _ledger.Add(isWell: false, Started + 5_000);
        _ledger.Add(isWell: false, Started + 19_999);
        Assert.Equal((HealthState.Starting, 0), (_ledger.State, _ledger.FailingStreak));
        Assert.Equal(5_000, _ledger.NextInMs(Started + 19_999));
        Assert.Equal(30_000, _ledger.NextInMs(Started + 20_000));
    }

    [Fact]
    public void Failures_after_the_start_period_count_until_it_is_unhealthy()
    {
        _ledger.Add(isWell: false, Started + 20_000);
        _ledger.Add(isWell: false, Started + 50_000);
        Assert.Equal((HealthState.Starting, 2), (_ledger.State, _ledger.FailingStreak));
        _ledger.Add(isWell: false, Started + 80_000);
        Assert.Equal((HealthState.Unhealthy, 3), (_ledger.State, _ledger.FailingStreak));
        _ledger.Add(isWell: false, Started + 110_000);
        Assert.Equal((HealthState.Unhealthy, 4), (_ledger.State, _ledger.FailingStreak));
    }

    [Fact]
    public void Success_ends_the_start_period_and_any_streak()
    {
        _ledger.Add(isWell: true, Started + 5_000);
        Assert.Equal((HealthState.Healthy, 0), (_ledger.State, _ledger.FailingStreak));
        Assert.Equal(30_000, _ledger.NextInMs(Started + 6_000));
        _ledger.Add(isWell: false, Started + 10_000);
        _ledger.Add(isWell: false, Started + 15_000);
        Assert.Equal((HealthState.Healthy, 2), (_ledger.State, _ledger.FailingStreak));
        _ledger.Add(isWell: false, Started + 16_000);
        Assert.Equal(HealthState.Unhealthy, _ledger.State);
        _ledger.Add(isWell: true, Started + 17_000);
        Assert.Equal((HealthState.Healthy, 0), (_ledger.State, _ledger.FailingStreak));
    }
}
