using ZeroOS.Linux;

namespace ZeroOS.Workloads;

/// <summary>Guest disks as files: volumes that outlive machines, and machines' writable layers. Both hold an ext4 file system that the guest grows.</summary>
public interface IVolumes
{
    /// <summary>Makes the disk, or grows it; never shrinks, never formats what exists.</summary>
    /// <exception cref="WorkloadException">disk-full, no-storage.</exception>
    void Ensure(WorkloadId volume, long sizeBytes);

    /// <summary>
    /// Opens it for a monitor, which cannot write to it when it is <paramref name="readOnly"/>. The lock that keeps a second machine out travels with the
    /// descriptor.
    /// </summary>
    FileDescriptor Open(WorkloadId volume, bool readOnly);

    /// <summary>Destroys it for ever; unknown is done already.</summary>
    void Destroy(WorkloadId volume);

    /// <summary>Everything that exists, with sizes in bytes.</summary>
    IReadOnlyList<(WorkloadId Volume, long SizeBytes)> List();
}
