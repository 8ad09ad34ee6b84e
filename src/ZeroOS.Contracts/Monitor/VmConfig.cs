using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Monitor;

/// <summary>
/// Everything one monitor is told about its machine, read once at start from the descriptor named by its only argument. Descriptors are the numbers
/// under which <c>enter</c> left them open; the monitor opens nothing by path.
/// </summary>
public sealed record VmConfig
{
    /// <summary>Virtual processors, 1 to 8.</summary>
    public required int Cpus { get; init; }

    /// <summary>Guest memory in bytes, a multiple of 2 MiB, at least 32 MiB.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The guest kernel: an ELF file with a PVH entry, or a bzImage.</summary>
    public required int KernelDescriptor { get; init; }

    /// <summary>The guest's initramfs.</summary>
    public required int InitrdDescriptor { get; init; }

    /// <summary>The kernel command line, at most 2,047 bytes.</summary>
    public required string CommandLine { get; init; }

    /// <summary>/dev/kvm, open for reading and writing.</summary>
    public required int KvmDescriptor { get; init; }

    /// <summary>The monitor's end of the control socket (seqpacket): <see cref="MonitorMessage"/> both ways.</summary>
    public required int ControlDescriptor { get; init; }

    /// <summary>Where the serial port's output goes (a pipe or file; never blocks a vCPU), or -1.</summary>
    public int SerialDescriptor { get; set; } = -1;

    /// <summary>Disks in the order the guest sees them: vda, vdb, ...; at most 16.</summary>
    public required IReadOnlyList<VmDisk> Disks { get; init; }

    /// <summary>Network cards in the order the guest sees them; at most 8.</summary>
    public required IReadOnlyList<VmNic> Nics { get; init; }

    /// <summary>The guest's vsock context id, 3 or above.</summary>
    public uint GuestCid { get; set; } = 3;
}

/// <summary>How a disk's bytes are found. Explicit, never probed.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VmDiskKind>))]
public enum VmDiskKind
{
    /// <summary>A raw file, read and written.</summary>
    Raw,

    /// <summary>A flist's device file, read-only, filled lazily chunk by chunk (docs/flist.md, "On the node").</summary>
    Flist,
}

/// <summary>One virtio-blk disk.</summary>
public sealed record VmDisk
{
    /// <summary>The serial number the guest reads, at most 20 ASCII bytes; how zguest finds it.</summary>
    public required string Serial { get; init; }

    /// <summary>How its bytes are found.</summary>
    public required VmDiskKind Kind { get; init; }

    /// <summary>The raw file, or the flist's sparse device file.</summary>
    public required int Descriptor { get; init; }

    /// <summary>The guest may not write.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Flist only: the index file (read-only), which maps device ranges to chunk numbers.</summary>
    public int IndexDescriptor { get; set; } = -1;

    /// <summary>
    /// Flist only: the verified bitmap, one bit per chunk, bit n of byte n/8; shared mapping, read with acquire order before the device file is.
    /// </summary>
    public int VerifiedDescriptor { get; set; } = -1;

    /// <summary>Flist only: the chunk socket (seqpacket), <see cref="ChunkMessage"/>.</summary>
    public int ChunkDescriptor { get; set; } = -1;
}

/// <summary>One virtio-net card on a tap that exists and belongs to the machine.</summary>
public sealed record VmNic
{
    /// <summary>The tap, opened with IFF_TAP|IFF_NO_PI|IFF_VNET_HDR and a 12-byte header.</summary>
    public required int TapDescriptor { get; init; }

    /// <summary>The card's address, "02:00:00:00:00:01".</summary>
    public required string Mac { get; init; }

    /// <summary>The network's MTU in bytes.</summary>
    public int Mtu { get; set; } = 1500;
}
