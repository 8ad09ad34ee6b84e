using System.CommandLine;

using ZeroOS.Cli.Sessions;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>The options of "zos run" about the health check, in Docker's words. The node knows their bounds.</summary>
internal static class HealthOptions
{
    private static readonly Option<string?> s_command = new("--health-cmd")
    {
        HelpName = "COMMAND",
        Description = "ask whether the program is well by this command, run by the image's shell (default: the image's check)"
    };
    private static readonly Option<string?> s_interval = new("--health-interval") { HelpName = "TIME", Description = "time between checks, as 30s" };
    private static readonly Option<string?> s_timeout = new("--health-timeout") { HelpName = "TIME", Description = "longest time of one check" };
    private static readonly Option<int?> s_retries = new("--health-retries")
    {
        HelpName = "N",
        Description = "failures in a row that make the machine unhealthy"
    };
    private static readonly Option<string?> s_startPeriod = new("--health-start-period")
    {
        HelpName = "TIME",
        Description = "time in which failures do not count yet"
    };
    private static readonly Option<string?> s_startInterval = new("--health-start-interval")
    {
        HelpName = "TIME",
        Description = "time between checks in the start period"
    };
    private static readonly Option<bool> s_none = new("--no-healthcheck") { Description = "switch the image's check off" };

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<Option> All = [s_command, s_interval, s_timeout, s_retries, s_startPeriod, s_startInterval, s_none];

    /// <summary>What they say; null: nothing.</summary>
    /// <exception cref="CliException">They contradict each other.</exception>
    public static HealthCheck? Parse(ParseResult parsed)
    {
        HealthCheck said = new()
        {
            Shell = parsed.GetValue(s_command),
            Interval = parsed.GetValue(s_interval),
            Timeout = parsed.GetValue(s_timeout),
            Retries = parsed.GetValue(s_retries),
            StartPeriod = parsed.GetValue(s_startPeriod),
            StartInterval = parsed.GetValue(s_startInterval),
        };
        bool saysSomething = said != new HealthCheck();
        if (!parsed.GetValue(s_none))
            return saysSomething ? said : null;
        return saysSomething
            ? throw new CliException("--no-healthcheck goes with no other --health option", CliException.Usage)
            : new HealthCheck { None = true };
    }
}
