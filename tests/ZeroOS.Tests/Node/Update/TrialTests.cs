using ZeroOS.Contracts.Release;
using ZeroOS.Init;
using ZeroOS.Node.Update;

namespace ZeroOS.Tests.Node.Update;

public sealed class TrialTests
{
    private static readonly HealthFinding s_ill = new("network", "no address");

    [Fact]
    public void Health_must_hold_without_a_break()
    {
        Trial trial = new(holdSeconds: 60);
        Assert.Equal(TrialVerdict.Undecided, trial.Take(HealthFinding.Well, 10_000));
        Assert.Equal(TrialVerdict.Undecided, trial.Take(HealthFinding.Well, 69_999));
        Assert.Equal(TrialVerdict.Undecided, trial.Take(s_ill, 69_999));
        Assert.Equal(TrialVerdict.Undecided, trial.Take(HealthFinding.Well, 70_000));
        Assert.Equal(TrialVerdict.Undecided, trial.Take(HealthFinding.Well, 129_999));
        Assert.Equal(TrialVerdict.Proven, trial.Take(HealthFinding.Well, 130_000));
    }

    [Fact]
    public void What_is_ill_when_the_time_is_up_is_lost_and_what_is_well_goes_on()
    {
        Trial trial = new(holdSeconds: 60);
        Assert.Equal(240_000, trial.DeadlineMs);
        Assert.Equal(TrialVerdict.Undecided, trial.Take(s_ill, 239_999));
        Assert.Equal(TrialVerdict.Undecided, trial.Take(HealthFinding.Well, 240_000));
        Assert.Equal(TrialVerdict.Lost, trial.Take(s_ill, 241_000));
        Assert.Equal(s_ill, trial.Last);
    }

    [Fact]
    public void Without_a_trial_PID_1_waits_for_nothing()
    {
        TrialRule rule = new(onTrial: false, now: 0);
        Assert.Null(rule.DueAt);
        Assert.Null(rule.Over(long.MaxValue, 1000));
    }

    [Fact]
    public void A_trial_that_nobody_says_is_kept_is_over_in_time()
    {
        TrialRule rule = new(onTrial: true, now: 5_000);
        Assert.Equal(905_000, rule.DueAt);
        Assert.Null(rule.Over(904_999, 1));
        Assert.Contains("not kept in time", rule.Over(905_000, 1), StringComparison.Ordinal);
        rule.Kept();
        Assert.Null(rule.Over(905_000, 1));
        Assert.Null(rule.DueAt);
    }

    [Fact]
    public void A_node_that_keeps_dying_ends_the_trial_early()
    {
        TrialRule rule = new(onTrial: true, now: 0);
        Assert.Null(rule.Over(1, TrialRule.MaxStarts));
        Assert.Contains("stay alive", rule.Over(1, TrialRule.MaxStarts + 1), StringComparison.Ordinal);
    }

    [Fact]
    public void PID_1_waits_longer_than_any_manifest_may_ask_for() =>
        Assert.True(TrialRule.MayTakeMs > new Trial(ReleaseManifest.MaxHealthSeconds).DeadlineMs);
}
