using System.Collections.Concurrent;
using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

/// <summary>
/// What the checks of machines that run say, at most <see cref="HealthLimits.Results"/> results each. Only in memory: after a restart of the node the guests
/// tell it again. Thread-safe; what one machine's guest says comes in order.
/// </summary>
internal sealed class MachineHealths
{
    private readonly ConcurrentDictionary<WorkloadId, HealthStatus> _healths = new();
    private readonly ConcurrentDictionary<WorkloadId, byte> _wasHealthy = new();

    /// <summary>How a machine is; null: it has no check, or its guest has not said yet.</summary>
    public HealthStatus? Of(WorkloadId machine) => _healths.GetValueOrDefault(machine);

    /// <summary>Whether it was healthy at some time of its present run.</summary>
    public bool WasHealthy(WorkloadId machine) => _wasHealthy.ContainsKey(machine);

    /// <summary>A machine with a check is started.</summary>
    public void Begin(WorkloadId machine)
    {
        Forget(machine);
        _healths[machine] = new HealthStatus { State = HealthState.Starting, Results = [] };
    }

    /// <summary>Takes what a guest says. True: the machine's state is another one now.</summary>
    public bool Hear(WorkloadId machine, GuestHealthReport report)
    {
        HealthStatus? before = Of(machine);
        IReadOnlyList<HealthResult> results = before?.Results ?? [];
        if (report.Result is { } probe && (results is [] || probe.Number > results[^1].Number))
            results = [.. results.TakeLast(HealthLimits.Results - 1), Result(probe)];
        if (report.State == HealthState.Healthy)
            _wasHealthy[machine] = 0;
        _healths[machine] = new HealthStatus { State = report.State, FailingStreak = report.FailingStreak, Results = results };
        return before?.State != report.State;
    }

    /// <summary>The machine has ended, or was not started after all.</summary>
    public void Forget(WorkloadId machine)
    {
        _healths.TryRemove(machine, out _);
        _wasHealthy.TryRemove(machine, out _);
    }

    private static HealthResult Result(GuestProbeResult probe) => new()
    {
        Number = probe.Number,
        Start = DateTimeOffset.FromUnixTimeMilliseconds(probe.StartMs),
        End = DateTimeOffset.FromUnixTimeMilliseconds(probe.EndMs),
        ExitCode = probe.ExitCode,
        Output = Encoding.UTF8.GetString(probe.Output),
    };
}
