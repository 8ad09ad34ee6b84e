using System.CommandLine;

using Xunit;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Tests.Cli.Verbs;

public sealed class HealthOptionsTests
{
    [Fact]
    public void Dockers_words_become_a_health_check()
    {
        Assert.Null(Parse());
        Assert.Equal(new HealthCheck { None = true }, Parse("--no-healthcheck"));
        Assert.Equal(new HealthCheck { Retries = 5 }, Parse("--health-retries", "5"));
        Assert.Equal(
            new HealthCheck { Shell = "redis-cli ping", Interval = "5s", Timeout = "2s", Retries = 2, StartPeriod = "1m", StartInterval = "1s" },
            Parse("--health-cmd", "redis-cli ping", "--health-interval=5s", "--health-timeout=2s", "--health-retries=2", "--health-start-period=1m",
                "--health-start-interval=1s"));
        Assert.Equal(CliException.Usage, Assert.Throws<CliException>(() => Parse("--no-healthcheck", "--health-retries", "5")).ExitCode);
    }

    [Theory]
    [InlineData(WorkloadState.Running, HealthState.Healthy, "running (healthy)")]
    [InlineData(WorkloadState.Running, HealthState.Starting, "running (starting)")]
    [InlineData(WorkloadState.Preparing, HealthState.Starting, "preparing")]
    public void Health_of_a_machine_that_runs_stands_behind_its_state(WorkloadState state, HealthState health, string text) =>
        Assert.Equal(text, WorkloadText.Describe(
            new WorkloadStatus { Name = "web", Type = "zmachine", State = state, Health = new HealthStatus { State = health } }));

    private static HealthCheck? Parse(params string[] words)
    {
        Command command = new("run");
        foreach (Option option in HealthOptions.All)
            command.Add(option);
        return HealthOptions.Parse(command.Parse(words));
    }
}
