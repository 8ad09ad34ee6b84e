using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What becomes of a machine that ended by itself. The exit code and the reason are kept whatever the policy; nothing is ever deleted.</summary>
internal static class RestartRule
{
    /// <summary>A machine that ran so long before is not in a crash loop.</summary>
    public static readonly TimeSpan Healthy = TimeSpan.FromSeconds(60);

    /// <summary>From so many ends in a row on it is called a crash loop.</summary>
    public const int LoopAfter = 3;

    /// <summary>The reason of a machine that ended before anything of the tenant's ran in it.</summary>
    public const string NotBooted = "not-booted";

    /// <summary>The reason of a machine that its health check brought down.</summary>
    public const string Unhealthy = "unhealthy";

    /// <summary>The row after the end.</summary>
    public static WorkloadRow After(WorkloadRow row, MachineEnd end, RestartPolicy policy, DateTimeOffset now, BackOff backOff)
    {
        int before = row.StartedAt is { } started && now - started >= Healthy ? 0 : row.Attempt;
        WorkloadRow ended = row with { Live = false, StartedAt = null };

        // A failure to set the guest up is the node's or the image's trouble, not the program's: the policy has no say.
        if (end.Failure is { } failure && failure.Code == 125 && failure.Stage is not ("user" or "exec"))
            return ended with
            {
                State = WorkloadState.BackingOff,
                Reason = "setup-failed",
                Message = HostileText.Plain($"{failure.Stage}: {failure.Message}", 300),
                Attempt = before + 1,
                NextRetry = now + backOff.After(before + 1)
            };
        if (end is { NotBooted: true, MemoryPressure: false, Workload: null, Failure: null })
            return ended with
            {
                State = WorkloadState.BackingOff,
                Reason = NotBooted,
                Message = HostileText.Plain(end.Reason, 300),
                Attempt = before + 1,
                NextRetry = now + backOff.After(before + 1)
            };

        int code = end.Workload?.Code ?? end.Failure?.Code ?? 125;
        (string reason, string message) = Explain(end, code);
        ended = ended with { ExitCode = code };
        if (policy == RestartPolicy.Never || (policy == RestartPolicy.OnFailure && code == 0))
            return ended with { State = WorkloadState.Exited, Reason = reason, Message = message, Attempt = 0, NextRetry = null };
        return ended with
        {
            State = WorkloadState.BackingOff,
            Reason = before + 1 >= LoopAfter ? "crash-loop" : reason,
            Message = message,
            Attempt = before + 1,
            NextRetry = now + backOff.After(before + 1),
        };
    }

    /// <summary>
    /// The row after the end of a machine that its check found unhealthy and that is to be restarted for it. Its time counts as a run only if it was healthy in
    /// it.
    /// </summary>
    public static WorkloadRow AfterUnhealthy(WorkloadRow row, MachineEnd end, bool wasHealthy, DateTimeOffset now, BackOff backOff)
    {
        int attempt = (wasHealthy && row.StartedAt is { } started && now - started >= Healthy ? 0 : row.Attempt) + 1;
        return row with
        {
            Live = false,
            StartedAt = null,
            ExitCode = end.Workload?.Code ?? row.ExitCode,
            State = WorkloadState.BackingOff,
            Reason = Unhealthy,
            Message = "its health check failed too often in a row; it is started again",
            Attempt = attempt,
            NextRetry = now + backOff.After(attempt),
        };
    }

    private static (string Reason, string Message) Explain(MachineEnd end, int code) => end switch
    {
        { MemoryPressure: true } => ("memory-pressure", $"the node was short of memory, and the machine had more than its reservation (exit code {code})"),
        { Workload: { OutOfMemory: true } } => ("out-of-memory", $"the guest's kernel killed it for want of memory (exit code {code})"),
        { Workload: { Signal: > 0 } w } => ("exited", $"ended by signal {w.Signal} (exit code {code})"),
        { Workload: not null } => ("exited", $"exit code {code}"),
        { Failure: { } f } => (f.Code switch { 126 => "not-executable", 127 => "command-not-found", _ => "cannot-run" },
            HostileText.Plain($"{f.Stage}: {f.Message}", 300)),
        { MonitorSignal: { } signal } => ("monitor-killed", $"the monitor was ended by signal {signal}"),
        _ => (end.Monitor switch
        {
            MonitorExit.PoweredOff => "powered-off",
            MonitorExit.Reset => "reset",
            MonitorExit.Killed => "killed",
            MonitorExit.TripleFault => "triple-fault",
            MonitorExit.GuestPanic => "guest-panic",
            MonitorExit.KvmError => "kvm-error",
            _ => "monitor-fault",
        }, HostileText.Plain(end.Reason, 300)),
    };
}
