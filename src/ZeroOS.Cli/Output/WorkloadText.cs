using System.Globalization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Output;

/// <summary>Workloads in words.</summary>
internal static class WorkloadText
{
    /// <summary>"backing-off: registry-unreachable, …" or "running (healthy)", cleaned.</summary>
    public static string Describe(WorkloadStatus workload)
    {
        string text = Name(workload);
        if (workload is { State: WorkloadState.Running, Health: { } health })
            text += $" ({health.State.ToString().ToLowerInvariant()})";
        if (workload.Reason is not null)
            text += $": {workload.Reason}";
        if (workload.Message is not null)
            text += $", {workload.Message}";
        if (workload.State == WorkloadState.Exited && workload.ExitCode is int code)
            text += string.Create(CultureInfo.InvariantCulture, $" with code {code}");
        return Terminal.Clean(text);
    }

    /// <summary>The state's name, and Docker's for a machine that was never started.</summary>
    public static string Name(WorkloadStatus workload) =>
        workload is { Type: "zmachine", State: WorkloadState.Stopped, Starts: 0, Reason: null, ExitCode: null } ? "created" : Name(workload.State);

    /// <summary>The state's name as the contract has it.</summary>
    public static string Name(WorkloadState state) => state == WorkloadState.BackingOff ? "backing-off" : state.ToString().ToLowerInvariant();
}
