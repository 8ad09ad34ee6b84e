using ZeroOS.Contracts.Guest;

namespace ZeroOS.Workloads;

/// <summary>
/// What a machine uses, at about one moment. What counts up does so since its monitor started. Null: its monitor or its guest, which may be anybody's by then,
/// did not say.
/// </summary>
/// <param name="CpuNanoseconds">Processor time of the monitor, the guest's included, by the node's kernel.</param>
/// <param name="HeldBytes">What the monitor holds of the node's memory, by the node's kernel.</param>
/// <param name="MemoryBytes">Memory that the guest was made with.</param>
/// <param name="UsedBytes">Memory that the guest could not give to a new program.</param>
/// <param name="ReceivedBytes">Brought to the guest by its cards.</param>
/// <param name="SentBytes">Sent by them.</param>
/// <param name="ReadBytes">Read from its disks.</param>
/// <param name="WrittenBytes">Written to them.</param>
public sealed record MachineUse(long CpuNanoseconds, long HeldBytes, long MemoryBytes, long? UsedBytes, long? ReceivedBytes, long? SentBytes, long? ReadBytes,
    long? WrittenBytes)
{
    /// <summary>What the guest says of its workload.</summary>
    public GuestUse? Inside { get; init; }
}
