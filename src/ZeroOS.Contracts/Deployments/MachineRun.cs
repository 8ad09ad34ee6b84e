namespace ZeroOS.Contracts.Deployments;

/// <summary>One run of a machine that is over.</summary>
public sealed record MachineRun
{
    /// <summary>Runs that are kept of a machine: the last ones.</summary>
    public const int Kept = 10;

    /// <summary>1 for the first start of the machine.</summary>
    public required int Number { get; init; }

    /// <summary>When its program began, by the node's clock; absent: it did not.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the node heard of its end; absent: the power went.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The program's exit code, or Docker's for what kept it from running.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The signal that ended the program.</summary>
    public int? Signal { get; init; }

    /// <summary>Reason code, as in <see cref="WorkloadStatus.Reason"/>; "stopped" if the end was asked for, "power-lost" if nobody saw it.</summary>
    public required string Reason { get; init; }

    /// <summary>The guest's kernel killed the program for want of memory.</summary>
    public bool OutOfMemory { get; init; }
}
