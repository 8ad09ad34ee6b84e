namespace ZeroOS.Contracts.Deployments;

/// <summary>One limit of each process (setrlimit(2)), in the unit of its kind; -1 is none.</summary>
public sealed record MachineUlimit
{
    /// <summary>core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending or stack.</summary>
    public required string Name { get; init; }

    /// <summary>Where it begins, at most <see cref="Hard"/>.</summary>
    public required long Soft { get; init; }

    /// <summary>To what a process may raise it; of nofile at most 1,048,576.</summary>
    public required long Hard { get; init; }
}
