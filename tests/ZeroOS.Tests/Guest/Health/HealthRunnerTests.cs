using System.Collections.Concurrent;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Health;
using ZeroOS.Guest.Setup;

namespace ZeroOS.Tests.Guest.Health;

public sealed class HealthRunnerTests : IDisposable
{
    private readonly HealthReports _reports = new();
    private readonly BlockingCollection<int> _told = [];
    private readonly BlockingCollection<Func<ProbeOutcome>> _outcomes = [];
    private readonly HealthRunner _runner;
    private int _running;
    private long _position = HealthReports.Nothing;

    public HealthRunnerTests()
    {
        GuestHealth check = new() { IntervalMs = 1, TimeoutMs = 500, Retries = 2, StartPeriodMs = 0, StartIntervalMs = 1 };
        _runner = new HealthRunner(check, Ask, _reports, () => _told.Add(0));
        _runner.Start();
    }

    public void Dispose()
    {
        _runner.End();
        _outcomes.CompleteAdding();
    }

    [Fact]
    public void Each_probe_is_told_when_it_has_ended_and_one_that_cannot_run_has_failed()
    {
        Assert.Null(Next().Result);
        _outcomes.Add(() => new ProbeOutcome(0, "well"u8.ToArray()));
        GuestHealthReport report = Next();
        Assert.Equal((HealthState.Healthy, 1L, 0), (report.State, report.Result!.Number, report.Result.ExitCode));
        Assert.Equal("well"u8.ToArray(), report.Result.Output);
        Assert.InRange(report.Result.EndMs - report.Result.StartMs, 0, 600_000);
        _outcomes.Add(() => throw new SetupException("exec", "no program"));
        report = Next();
        Assert.Equal((HealthState.Healthy, 1, -1), (report.State, report.FailingStreak, report.Result!.ExitCode));
        _outcomes.Add(() => new ProbeOutcome(3, []));
        report = Next();
        Assert.Equal((HealthState.Unhealthy, 2, 3L), (report.State, report.FailingStreak, report.Result!.Number));
    }

    [Fact]
    public void Nothing_is_told_after_its_end()
    {
        Assert.Null(Next().Result);
        using ManualResetEventSlim asked = new();
        _outcomes.Add(() =>
        {
            asked.Set();
            _runner.End();
            return new ProbeOutcome(1, []);
        });
        Assert.True(asked.Wait(20_000));
        Assert.False(_told.TryTake(out _, 100));
        Assert.Null(_reports.Take(ref _position));
    }

    private GuestHealthReport Next()
    {
        Assert.True(_told.TryTake(out _, 20_000), "nothing was told");
        return _reports.Take(ref _position)!;
    }

    private ProbeOutcome Ask(long untilMs)
    {
        Assert.Equal(1, Interlocked.Increment(ref _running));
        try
        {
            return _outcomes.Take()();
        }
        catch (InvalidOperationException)
        {
            return new ProbeOutcome(0, []);     // the test is over
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
