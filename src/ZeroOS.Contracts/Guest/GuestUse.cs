namespace ZeroOS.Contracts.Guest;

/// <summary>What only the guest knows of its workload, all cgroups below the workload's included. Null: its kernel did not say.</summary>
public sealed record GuestUse
{
    /// <summary>The most processes and threads that a Linux kernel has (PID_MAX_LIMIT).</summary>
    public const int MaxPids = 4 << 20;

    /// <summary>A pressure of all the time: it is counted in ten-thousandths.</summary>
    public const int FullPressure = 10_000;

    /// <summary>Processes and threads.</summary>
    public int? Pids { get; init; }

    /// <summary>So many it may have; null: any number.</summary>
    public int? PidsLimit { get; init; }

    /// <summary>Ten-thousandths of the last ten seconds in which some thread waited for a processor (Documentation/accounting/psi.rst, "some avg10").</summary>
    public int? CpuPressurePer10000 { get; init; }

    /// <summary>As above, for memory.</summary>
    public int? MemoryPressurePer10000 { get; init; }

    /// <summary>As above, for disks.</summary>
    public int? IoPressurePer10000 { get; init; }
}
