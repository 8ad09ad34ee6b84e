using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What becomes of a machine that ended by itself. The exit code and the reason are kept whatever the policy; nothing is deleted here.</summary>
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

    private const string SetupFailed = "setup-failed";

    /// <summary>The row after the end.</summary>
    public static WorkloadRow After(WorkloadRow row, MachineEnd end, ZmachineData wanted, DateTimeOffset now, BackOff backOff)
    {
        bool healthy = row.StartedAt is { } started && now - started >= Healthy;
        int attempt = (healthy ? 0 : row.Attempt) + 1, restarts = healthy ? 0 : row.Restarts, code = CodeOf(end);
        (string reason, string message) = Explain(end);
        WorkloadRow tried = row with
        {
            Live = false,
            StartedAt = null,
            EndedAt = now,
            State = WorkloadState.BackingOff,
            Reason = reason,
            Message = message,
            Attempt = attempt,
            NextRetry = now + backOff.After(attempt),
            Restarts = restarts,
        };
        // A failure to set the guest up is the node's or the image's trouble, not the program's: the policy has no say.
        if (reason is SetupFailed or NotBooted)
            return tried;

        bool isSpent = restarts >= (wanted.MaxRestarts ?? int.MaxValue);
        if (wanted.Restart == RestartPolicy.Never || (wanted.Restart == RestartPolicy.OnFailure && (code == 0 || isSpent)))
            return tried with
            {
                ExitCode = code,
                State = WorkloadState.Exited,
                Message = code != 0 && isSpent ? $"{message}, after {restarts} restarts" : message,
                Attempt = 0,
                NextRetry = null,
                Restarts = 0,
            };
        return tried with { ExitCode = code, Reason = attempt >= LoopAfter ? "crash-loop" : reason, Restarts = restarts + 1 };
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
            EndedAt = now,
            ExitCode = end.Workload?.Code ?? row.ExitCode,
            State = WorkloadState.BackingOff,
            Reason = Unhealthy,
            Message = "its health check failed too often in a row; it is started again",
            Attempt = attempt,
            NextRetry = now + backOff.After(attempt),
        };
    }

    /// <summary>The exit code of an end that nobody asked for.</summary>
    public static int CodeOf(MachineEnd end) => end.Workload?.Code ?? end.Failure?.Code ?? 125;

    /// <summary>The reason code of an end, and a sentence.</summary>
    public static (string Reason, string Message) Explain(MachineEnd end) => Explain(end, CodeOf(end));

    private static (string Reason, string Message) Explain(MachineEnd end, int code) => end switch
    {
        { Failure: { Code: 125, Stage: not ("user" or "exec") } f } => (SetupFailed, HostileText.Plain($"{f.Stage}: {f.Message}", 300)),
        { NotBooted: true, MemoryPressure: false, Workload: null, Failure: null } => (NotBooted, HostileText.Plain(end.Reason, 300)),
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
