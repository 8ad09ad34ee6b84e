using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>Virtio disks by the serial number the monitor gave them; their letters mean nothing.</summary>
internal static class GuestDisks
{
    /// <summary>"/dev/vdb" for the disk with that serial.</summary>
    /// <exception cref="SetupException">There is none.</exception>
    internal static string Find(string serial, string stage)
    {
        foreach (string disk in Directory.EnumerateDirectories("/sys/block"))
        {
            if (KernelFile.TryRead(Path.Combine(disk, "serial"), out _, 64)?.TrimEnd('\n') == serial)
                return "/dev/" + Path.GetFileName(disk);
        }
        throw new SetupException(stage, $"there is no disk with serial {serial}");
    }
}
