namespace ZeroOS.Host.Machines;

/// <summary>What one machine has of the node's memory, in bytes.</summary>
/// <param name="Name">The monitor's name at PID 1.</param>
/// <param name="Tenant">Whose it is.</param>
/// <param name="Ceiling">Memory the guest was made with; it never has more.</param>
/// <param name="Reserved">What is kept for it whatever others do, its monitor included.</param>
/// <param name="Resident">What its monitor holds now, the guest's memory included.</param>
/// <param name="Balloon">What the guest was asked to give up.</param>
internal readonly record struct MemoryUse(string Name, string Tenant, long Ceiling, long Reserved, long Resident, long Balloon)
{
    /// <summary>What it has beyond its reservation.</summary>
    public long Over => Math.Max(0, Resident - Reserved);
}
