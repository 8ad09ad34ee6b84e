using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>A machine's runs as they are kept, from the row while it still says that the machine lives.</summary>
internal static class MachineRuns
{
    /// <summary>A run whose end was heard; <paramref name="asked"/>: somebody wanted it to end.</summary>
    public static MachineRun Of(WorkloadRow row, MachineEnd end, bool asked, DateTimeOffset now)
    {
        string reason = RestartRule.Explain(end).Reason;
        return new MachineRun
        {
            Number = row.Starts,
            StartedAt = row.StartedAt,
            EndedAt = now,
            ExitCode = end.Workload?.Code ?? end.Failure?.Code ?? (asked || reason == RestartRule.NotBooted ? null : RestartRule.CodeOf(end)),
            Signal = end.Workload is { Signal: > 0 } workload ? workload.Signal : null,
            Reason = asked ? "stopped" : reason,
            OutOfMemory = end.Workload?.OutOfMemory ?? false,
        };
    }

    /// <summary>A run that ended without anybody seeing it.</summary>
    public static MachineRun Lost(WorkloadRow row) => new() { Number = row.Starts, StartedAt = row.StartedAt, Reason = "power-lost" };
}
