using System.Text;

using ZeroOS.Formats.Gpt;

namespace ZeroOS.Host.Storage;

/// <summary>
/// A medium with a ZeroOS system image, as <c>zos image</c> writes them: by the name of its EFI system partition, or the volume name of a CD. Any bytes are
/// valid input.
/// </summary>
internal static class SystemMedium
{
    private const string PartitionName = "ZeroOS", VolumeName = "ZEROOS";
    private const int EntryBytes = 128, Entries = 128, NameOffset = 56, TableSectors = 33;

    // ISO 9660: the primary volume descriptor is in sector 16 of 2048 bytes, its volume name at byte 40.
    private const int VolumeOffset = (16 * 2048) + 40;

    private static readonly byte[] s_type = GptPartition.EfiSystem.ToByteArray(), s_name = Encoding.Unicode.GetBytes(PartitionName + '\0'),
        s_volume = Encoding.ASCII.GetBytes(VolumeName + ' ');

    /// <summary>Whether the disk is one.</summary>
    internal static bool IsOn(DiskWindows disk) =>
        disk.Holds(VolumeOffset, s_volume) || IsTable(disk, 2 * 512) || IsTable(disk, 2 * 4096) || IsTable(disk, disk.SizeBytes - (TableSectors * 512));

    private static bool IsTable(DiskWindows disk, long at)
    {
        for (int i = 0; i < Entries; i++)
        {
            long entry = at + (i * EntryBytes);
            if (disk.Holds(entry, s_type) && disk.Holds(entry + NameOffset, s_name))
                return true;
        }
        return false;
    }
}
