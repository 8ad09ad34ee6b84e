using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Init;

namespace ZeroOS.Engine.Admission;

/// <summary>What the node has, and what of it tenants may have. The node's own reserve is always kept.</summary>
public sealed record EngineLimits
{
    /// <summary>Processors of the node.</summary>
    public required int Cpus { get; init; }

    /// <summary>Memory of the node in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Space for volumes, writable layers, images and logs in bytes.</summary>
    public required long StorageBytes { get; init; }

    /// <summary>Virtual processors promised for each real one.</summary>
    public int CpuOvercommit { get; init; } = 4;

    /// <summary>Bytes of memory promised for each real one, 1 or more (docs/deployments.md, "Memory").</summary>
    public double MemoryOvercommit { get; init; } = 1;

    /// <summary>Memory the node keeps for itself: its programs, the kernel, the page cache that images need; at least a sixteenth of all.</summary>
    public long MemoryReserveBytes { get; init; } = 192L << 20;

    /// <summary>Space no tenant can use: the node's state and room for file system metadata; at least a thirty-second of all.</summary>
    public long StorageReserveBytes { get; init; } = 256L << 20;

    /// <summary>Memory of one monitor beside its guest's.</summary>
    public long MonitorBytes { get; init; } = 16L << 20;

    /// <summary>
    /// Machines at once, however much memory there is. Each is a process of PID 1, which holds <see cref="InitLimits.MaxProcesses"/>, some of them for
    /// fetching, and up to 29 descriptors of each machine (record, sockets, pipe, 17 disks, 8 taps) of its 65,536; the node holds 6 of each, and no thread.
    /// </summary>
    public const int MaxMachines = InitLimits.MaxProcesses - OtherProcesses;

    private const int OtherProcesses = 64;

    /// <summary>What tenants can have in all.</summary>
    public Resources Capacity => new()
    {
        Machines = (int)Math.Min(MaxMachines, Math.Max(0, PromisedMemory / MachineMemory(64L << 20))),
        Cpu = Cpus * CpuOvercommit,
        Memory = new ByteSize(PromisedMemory),
        Storage = new ByteSize(Math.Max(0, StorageBytes - Math.Max(StorageReserveBytes, StorageBytes / 32))),
    };

    private long PromisedMemory => (long)(TenantMemory * Math.Max(1, MemoryOvercommit));

    private long TenantMemory => Math.Max(0, MemoryBytes - Math.Max(MemoryReserveBytes, MemoryBytes / 16));

    /// <summary>What is kept for a machine whatever others do: with an overcommit ratio above 1, its share of what there really is.</summary>
    public long ReservedMemory(long guestBytes) => (long)(MachineMemory(guestBytes) / Math.Max(1, MemoryOvercommit));

    /// <summary>What a machine takes of the node: guest memory, its monitor, and the page tables of both sides (8 bytes per 4 KiB page each).</summary>
    public long MachineMemory(long guestBytes) => guestBytes + MonitorBytes + (guestBytes / 256);
}
