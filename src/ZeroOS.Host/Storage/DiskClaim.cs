using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>Makes an empty disk ours: record first, then the template's file system under a fresh id, its first superblock last.</summary>
internal static class DiskClaim
{
    /// <summary>
    /// Claims an empty disk. A power cut at any point leaves it empty, claimed (and it is claimed again under the same record), or ours.
    /// </summary>
    internal static void Make(BlockDisk disk, SparseTemplate template, ClaimRecord claim)
    {
        using FileDescriptor device = FileDescriptor.Open(disk.Path, OpenFlags.ReadWrite | OpenFlags.Exclusive);
        Mark(device, claim);
        Fill(device, template, claim);
    }

    /// <summary>Says on the disk whose it is; from here on an interrupted claim is done again.</summary>
    internal static void Mark(FileDescriptor device, ClaimRecord claim)
    {
        device.WriteAt(claim.ToBytes(), 0);
        device.Sync();
    }

    /// <summary>Whether the disk still says so, asked of the disk itself: two computers that share a disk may both have claimed it.</summary>
    internal static bool IsStill(FileDescriptor device, ClaimRecord claim)
    {
        byte[] there = new byte[ClaimRecord.Bytes];
        device.DropCache();
        device.ReadExactlyAt(there, 0);
        return ClaimRecord.TryRead(there, out ClaimRecord record) && record == claim;
    }

    /// <summary>Writes the file system. Wherever the template has zeros the disk must have them too.</summary>
    internal static void Fill(FileDescriptor device, SparseTemplate template, ClaimRecord claim)
    {
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
    }
}
