namespace ZeroOS.Contracts.Bus;

/// <summary>Body of zos.machine.stats.</summary>
public sealed record MachineStats
{
    /// <summary>Machines that may be named.</summary>
    public const int MaxMachines = 256;

    /// <summary>Which machines; none: all of the asker's, as they come and go. One that does not run has no sample.</summary>
    public IReadOnlyList<MachineName> Machines { get; set; } = [];

    /// <summary>Go on, with a sample of each machine a second.</summary>
    public bool Follow { get; init; }
}

/// <summary>One piece of a stream of samples: machines at one moment.</summary>
public sealed record StatsPiece
{
    /// <summary>Samples of one piece at most.</summary>
    public const int MaxSamples = 128;

    /// <summary>The moment, by the node's clock.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>What machines used at that moment, in no order.</summary>
    public required IReadOnlyList<MachineSample> Machines { get; init; }

    /// <summary>The next piece is of the same moment.</summary>
    public bool More { get; init; }
}

/// <summary>
/// What one machine uses. What counts up does so since the machine's last start. The kernel of the node says what the machine costs; its monitor and its guest
/// say the rest, and are believed about nobody else.
/// </summary>
public sealed record MachineSample
{
    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }

    /// <summary>Times started: samples with another number are of another run.</summary>
    public required int Starts { get; init; }

    /// <summary>Processor time of its monitor, the guest's included, in nanoseconds, by the node's kernel.</summary>
    public required long CpuNanoseconds { get; init; }

    /// <summary>What its monitor holds of the node's memory, the guest's included, in bytes, by the node's kernel.</summary>
    public required long HeldBytes { get; init; }

    /// <summary>Bytes of memory that the guest was made with.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Bytes of memory that the guest could not give to a new program, by the guest, about a second old; absent: it does not say.</summary>
    public long? UsedBytes { get; init; }

    /// <summary>Bytes that its cards brought to the guest, and sent for it, by the monitor; absent: it does not answer.</summary>
    public long? ReceivedBytes { get; init; }

    /// <summary>As <see cref="ReceivedBytes"/>.</summary>
    public long? SentBytes { get; init; }

    /// <summary>Bytes that the guest read from its disks, and wrote to them, by the monitor; absent: it does not answer.</summary>
    public long? ReadBytes { get; init; }

    /// <summary>As <see cref="ReadBytes"/>.</summary>
    public long? WrittenBytes { get; init; }

    /// <summary>Processes and threads of its workload, by the guest; absent: it does not answer.</summary>
    public int? Pids { get; init; }

    /// <summary>So many its workload may have, by the guest; absent: any number, or it does not answer.</summary>
    public int? PidsLimit { get; init; }

    /// <summary>
    /// Ten-thousandths of the last ten seconds in which a thread of its workload waited for a processor, by the guest: 0 to 10,000; absent: it does not answer.
    /// </summary>
    public int? CpuPressurePer10000 { get; init; }

    /// <summary>As <see cref="CpuPressurePer10000"/>, for memory.</summary>
    public int? MemoryPressurePer10000 { get; init; }

    /// <summary>As <see cref="CpuPressurePer10000"/>, for disks.</summary>
    public int? IoPressurePer10000 { get; init; }
}
