using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Health;

namespace ZeroOS.Tests.Guest.Health;

public sealed class HealthReportsTests
{
    private readonly HealthReports _reports = new();

    [Fact]
    public void Without_a_check_there_is_nothing_to_tell_and_before_the_first_probe_the_state_once()
    {
        long position = HealthReports.Nothing;
        Assert.Null(_reports.Take(ref position));
        _reports.Put(HealthState.Starting, 0, null);
        Assert.Equal(new GuestHealthReport { State = HealthState.Starting }, _reports.Take(ref position));
        Assert.Null(_reports.Take(ref position));
    }

    [Fact]
    public void Last_five_results_are_told_once_on_each_connection_and_always_with_the_present_state()
    {
        for (int i = 1; i <= 7; i++)
            _reports.Put(HealthState.Starting, i, Result(i));
        long first = HealthReports.Nothing, second = HealthReports.Nothing;
        Assert.Equal(3, _reports.Take(ref first)!.Result!.Number);
        _reports.Put(HealthState.Healthy, 0, Result(8));
        Assert.Equal([4, 5, 6, 7, 8], All(ref first).Select(r => r.Result!.Number));
        Assert.All(All(ref second), r => Assert.Equal((HealthState.Healthy, 0), (r.State, r.FailingStreak)));
        Assert.Equal(8, second);
    }

    private List<GuestHealthReport> All(ref long position)
    {
        List<GuestHealthReport> all = [];
        while (_reports.Take(ref position) is { } report)
            all.Add(report);
        return all;
    }

    private static GuestProbeResult Result(long number) => new() { Number = number, StartMs = number, EndMs = number, ExitCode = 0 };
}
