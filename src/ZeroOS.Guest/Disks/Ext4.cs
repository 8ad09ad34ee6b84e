using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>Mounting an ext4 disk made from the node's template, and growing it online to the size of its device.</summary>
internal static class Ext4
{
    private const nuint EXT4_IOC_RESIZE_FS = 0x40086610; // _IOW('f', 16, __u64), linux/ext4.h
    private const long BlockBytes = 4096;

    /// <summary>
    /// Mounts <paramref name="device"/> at <paramref name="target"/>, which is made, and grows it; a disk the node handed over read-only is neither written nor
    /// grown.
    /// </summary>
    internal static void Mount(string device, string target, string stage)
    {
        Mounts.MakeDirectory(target);
        bool readOnly = KernelFile.TryRead($"/sys/block/{Path.GetFileName(device)}/ro", out _, 16)?.Trim() == "1";
        // Discard lets the node's sparse file give back what the guest deleted.
        if (Mounts.TryMount(device, target, "ext4", MountFlags.NoAtime | (readOnly ? MountFlags.ReadOnly : 0), readOnly ? "" : "discard") is var errno
            && errno != Errno.None)
            throw new SetupException(stage, $"{device} cannot be mounted as ext4: {errno}");
        if (!readOnly)
            Grow(device, target);
    }

    /// <summary>Grows a mounted file system to its device; one that cannot grow stays as it is and the console says so.</summary>
    internal static void Grow(string device, string target)
    {
        using FileDescriptor disk = FileDescriptor.Open(device, OpenFlags.ReadOnly),
            root = FileDescriptor.Open(target, OpenFlags.ReadOnly | OpenFlags.Directory);
        ulong blocks = (ulong)(disk.Length / BlockBytes);
        if (root.Ioctl(EXT4_IOC_RESIZE_FS, ref blocks) is var result && result < 0)
            GuestConsole.Say($"{device} keeps its size: {(Errno)(-result)}");
    }
}
