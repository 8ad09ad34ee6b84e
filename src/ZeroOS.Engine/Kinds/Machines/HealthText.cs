using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>The health of a machine in words.</summary>
internal static class HealthText
{
    private const int MaxMessage = 300;

    /// <summary>The state's name as the contract has it.</summary>
    public static string Name(HealthState state) => state switch
    {
        HealthState.Healthy => "healthy",
        HealthState.Unhealthy => "unhealthy",
        _ => "starting",
    };

    /// <summary>What the last probe said of an unhealthy machine; null of others.</summary>
    public static string? Why(HealthStatus health) => health is { State: HealthState.Unhealthy, Results: [.., { } last] }
        ? HostileText.Plain($"exit code {last.ExitCode} {last.Output.Trim()}".TrimEnd(), MaxMessage)
        : null;
}
