using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>Makes an empty disk ours: record first, then the template's file system under a fresh id, its first superblock last.</summary>
internal static class DiskClaim
{
    /// <summary>
    /// Claims the disk. A power cut at any point leaves it empty, claimed (and it is claimed again), or ours. <paramref name="record"/> is the one of an interrupted claim.
    /// </summary>
    internal static ClaimRecord Make(BlockDisk disk, SparseTemplate template, uint index, ClaimRecord? record)
    {
        using FileDescriptor device = FileDescriptor.Open(disk.Path, OpenFlags.ReadWrite | OpenFlags.Exclusive);
        ClaimRecord claim = record ?? new ClaimRecord(index, Guid.NewGuid());
        device.WriteAt(claim.ToBytes(), 0);
        device.Sync();
        template.WriteTo(device, BtrfsSuperblock.Offsets);
        device.Sync();
        // The first superblock is the one the kernel mounts by; with it the disk becomes ours.
        for (int i = BtrfsSuperblock.Offsets.Length - 1; i >= 0; i--)
        {
            long offset = BtrfsSuperblock.Offsets[i];
            if (offset + BtrfsSuperblock.Bytes > template.Length)
                continue;
            byte[] super = template.Read(offset, BtrfsSuperblock.Bytes);
            if (!BtrfsSuperblock.TryStamp(super, claim.FileSystem))
                throw new InvalidDataException($"The btrfs template has no superblock at {offset}.");
            device.WriteAt(super, offset);
            device.Sync();
        }
        return claim;
    }
}
