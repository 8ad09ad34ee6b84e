using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;

namespace ZeroOS.Workloads;

/// <summary>
/// Monitors as processes of PID 1: started in a jail, spoken to over sockets that PID 1 keeps a duplicate of, adopted again after a restart of the node.
/// </summary>
public interface IMachines
{
    /// <summary>
    /// Machines that run, those adopted from PID 1 after a restart of the node included. Adopted ones report on <see cref="Events"/> as soon as it is set.
    /// </summary>
    IReadOnlyList<WorkloadId> Running { get; }

    /// <summary>Machines that ended while no node listened; each one's end comes as an event, perhaps a moment after <see cref="Events"/> is set. Read after
    /// <see cref="Running"/>.</summary>
    IReadOnlyList<WorkloadId> Ending => [];

    /// <summary>Who hears what happens to machines. Calls come one at a time per machine.</summary>
    IMachineEvents Events { set; }

    /// <summary>Starts a machine; takes ownership of the descriptors.</summary>
    /// <exception cref="WorkloadException">already-running, spawn-failed.</exception>
    void Start(WorkloadId machine, MachineStart start);

    /// <summary>Stop signal with grace, then power button, then kill; the end is reported as an event.</summary>
    void Stop(WorkloadId machine, GuestStop stop);

    /// <summary>Hands one signal, 1 to 64, to the guest for the workload's first process.</summary>
    /// <exception cref="WorkloadException">not-running: there is no such machine, its workload has not started or has ended, or its guest is not connected just
    /// now.</exception>
    Task SignalAsync(WorkloadId machine, int signal, CancellationToken cancellation);

    /// <summary>
    /// Has the guest dial for a session of a kind (<c>SessionKinds</c>): a stream of plain frames of sessions, whose other end is zguest.
    /// </summary>
    /// <exception cref="WorkloadException">not-running: there is no such machine, or its workload has not started. no-answer: the guest does not dial.
    /// busy: too many wait for it already.</exception>
    Task<Stream> OpenSessionAsync(WorkloadId machine, string kind, CancellationToken cancellation);

    /// <summary>Measures what a machine uses. Its monitor is asked at most twice a second, whoever asks here, and waited for two seconds.</summary>
    /// <exception cref="WorkloadException">not-running: there is no such machine, or it ended meanwhile.</exception>
    Task<MachineUse> UseAsync(WorkloadId machine, CancellationToken cancellation);

    /// <summary>The image of a running machine is known again (after a restart of the node): serve its chunk socket.</summary>
    void ServeImage(WorkloadId machine, IImage image);

    /// <summary>The end of a machine is stored durably; its exit need not be reported again.</summary>
    void Acknowledge(WorkloadId machine);
}

/// <summary>What a machine is made of.</summary>
public sealed record MachineStart
{
    /// <summary>Virtual processors.</summary>
    public required int Cpus { get; init; }

    /// <summary>Guest memory in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Bytes of memory that are kept for it whatever others do, its monitor included; 0: all it can ever have.</summary>
    public long ReservedBytes { get; init; }

    /// <summary>What zguest is told; its disks' serials are those below.</summary>
    public required GuestSpec Spec { get; init; }

    /// <summary>The image; its disk serial is <see cref="GuestSpec.RootDisk"/>.</summary>
    public required IImage Image { get; init; }

    /// <summary>Writable layer and volumes with their serials.</summary>
    public required IReadOnlyList<(string Serial, FileDescriptor Disk, bool ReadOnly)> Disks { get; init; }

    /// <summary>Cards.</summary>
    public required IReadOnlyList<MachineNic> Nics { get; init; }
}

/// <summary>How a machine ended.</summary>
public sealed record MachineEnd
{
    /// <summary>The monitor's exit code, or null if a signal ended it.</summary>
    public MonitorExit? Monitor { get; init; }

    /// <summary>The signal that ended the monitor, or null.</summary>
    public int? MonitorSignal { get; init; }

    /// <summary>The workload's exit, if the guest got that far.</summary>
    public GuestExited? Workload { get; init; }

    /// <summary>Why set-up in the guest failed, if it did.</summary>
    public GuestFailure? Failure { get; init; }

    /// <summary>It ended before zguest had its specification: nothing that the tenant brings has run, so it is the node's trouble.</summary>
    public bool NotBooted { get; init; }

    /// <summary>The node killed it, because it was short of memory and the machine had more than its reservation.</summary>
    public bool MemoryPressure { get; init; }

    /// <summary>One line for people.</summary>
    public required string Reason { get; init; }
}

/// <summary>What happens to machines.</summary>
public interface IMachineEvents
{
    /// <summary>The workload runs.</summary>
    void Started(WorkloadId machine);

    /// <summary>The machine is gone.</summary>
    void Ended(WorkloadId machine, MachineEnd end);

    /// <summary>Output of the workload; <paramref name="offset"/> counts all its bytes since it started. Stream 1 is stdout, 2 is stderr.</summary>
    void Output(WorkloadId machine, long offset, OutputStream stream, ReadOnlySpan<byte> bytes);

    /// <summary>How the workload is, and perhaps a probe that was not told before; what was told is told again when the guest has connected anew.</summary>
    void Health(WorkloadId machine, GuestHealthReport report);

    /// <summary>From which offset output is wanted after a restart of the node (what the log file already holds).</summary>
    long OutputWantedFrom(WorkloadId machine);
}
