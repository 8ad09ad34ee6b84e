namespace ZeroOS.Contracts.Bus;

/// <summary>
/// Body of zos.machine.stop and zos.machine.restart: which machine, and how it is asked to stop this once. What is absent is as its deployment has it.
/// </summary>
public sealed record MachineStop
{
    /// <summary>Seconds of grace at most: ten minutes.</summary>
    public const int MaxGraceSeconds = 600;

    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }

    /// <summary>"SIGTERM", "quit", "3", "SIGRTMIN+3".</summary>
    public string? Signal { get; init; }

    /// <summary>Seconds until SIGKILL, 0 to <see cref="MaxGraceSeconds"/>; 0 kills at once.</summary>
    public int? GraceSeconds { get; init; }
}

/// <summary>Body of zos.machine.kill: one signal for the program of a machine that runs, now.</summary>
public sealed record MachineKill
{
    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }

    /// <summary>As in <see cref="MachineStop.Signal"/>; SIGKILL if absent. SIGKILL and the machine's stop signal are a stop: it stays stopped.</summary>
    public string? Signal { get; init; }
}
