using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Admission;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>Merges an image's health check with a deployment's as Docker does: member by member, the deployment's first.</summary>
internal static class HealthMerge
{
    /// <summary>What zguest is to do; null: nothing.</summary>
    /// <exception cref="WorkloadException">no-health-check: the deployment speaks of the image's check, and the image has none. Permanent.</exception>
    public static GuestHealth? Merge(HealthCheck? wished, ImageConfig image)
    {
        ImageHealth? own = image.Health;
        if (wished is { None: true } || (wished is null && own is null))
            return null;
        IReadOnlyList<string>? program = wished?.Command ?? (wished?.Shell is { } text ? [.. image.Shell, text] : null);
        if (program is null && wished is not ({ Http: not null } or { Tcp: not null }))
        {
            program = own?.Command
                ?? throw new WorkloadException("no-health-check", "the image has no health check; give health.command, shell, http or tcp", permanent: true);
        }
        return new GuestHealth
        {
            Arguments = program,
            Http = wished?.Http,
            Tcp = wished?.Tcp,
            IntervalMs = Milliseconds(wished?.Interval) ?? own?.IntervalMs ?? HealthLimits.DefaultMs,
            TimeoutMs = Milliseconds(wished?.Timeout) ?? own?.TimeoutMs ?? HealthLimits.DefaultMs,
            Retries = wished?.Retries ?? own?.Retries ?? HealthLimits.DefaultRetries,
            StartPeriodMs = Milliseconds(wished?.StartPeriod) ?? own?.StartPeriodMs ?? 0,
            StartIntervalMs = Milliseconds(wished?.StartInterval) ?? own?.StartIntervalMs ?? HealthLimits.DefaultStartIntervalMs,
        };
    }

    private static int? Milliseconds(string? text) =>
        text is not null && Durations.TryParse(text, TimeSpan.FromMilliseconds(HealthLimits.LongestMs), out TimeSpan time) ? (int)time.TotalMilliseconds : null;
}
