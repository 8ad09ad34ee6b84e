using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Engine.Store;

/// <summary>A sum of what machines and disks take; storage counts disks, logs, images and history.</summary>
internal readonly record struct ResourceUse(int Machines, int Cpu, long Memory, long Storage)
{
    /// <summary>Bytes of log kept for one machine.</summary>
    public const long LogBytes = 8L << 20;

    /// <summary>Bytes reckoned for a deployment's content, history and events (200 of them, bounded text).</summary>
    public const long HistoryBytes = 1L << 20;

    /// <summary>What one machine takes of its grant; memory is what is kept for the guest itself.</summary>
    public static ResourceUse Of(ZmachineData data) => new(1, data.Cpu, MachineCeiling.Reserved(data.Memory), data.Rootfs.Bytes + LogBytes);

    public static ResourceUse operator +(ResourceUse a, ResourceUse b) =>
        new(a.Machines + b.Machines, a.Cpu + b.Cpu, a.Memory + b.Memory, a.Storage + b.Storage);
}
