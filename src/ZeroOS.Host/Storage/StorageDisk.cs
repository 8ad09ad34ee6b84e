using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>A mounted disk of the pool (or the memory that stands in for one), with its four directories.</summary>
public sealed class StorageDisk
{
    private const nuint BTRFS_IOC_RESIZE = 0x50009403; // _IOW(0x94, 3, struct btrfs_ioctl_vol_args), uapi/linux/btrfs.h
    private const nuint FS_IOC_GETFLAGS = 0x80086601, FS_IOC_SETFLAGS = 0x40086602;
    private const int FS_NOCOW_FL = 0x00800000, PathNameOffset = 8, VolArgsBytes = 4096;

    internal StorageDisk(string root)
    {
        Root = root;
        foreach (string name in (ReadOnlySpan<string>)["state", "images", "volumes", "logs"])
            Mounts.MakeDirectory($"{root}/{name}", Mode.OwnerFolder);
        // Guest disks are rewritten in place: copying each write elsewhere would scatter them. Their guests' file systems have journals of their own.
        DisableCopyOnWrite($"{root}/volumes");
    }

    /// <summary>Where it is mounted.</summary>
    public string Root { get; }

    /// <summary>Its copy of the node's state.</summary>
    public string StateDirectory => Root + "/state";

    /// <summary>
    /// A start of the node got so far that it kept its state here. Before that there may be a database and a key for names, but nothing that anybody was told.
    /// </summary>
    public bool IsInUse => File.Exists(Path.Combine(StateDirectory, StateGeneration.FileName));

    /// <summary>Why the node's state has no room here that tenants cannot take; null when it has.</summary>
    public string? NoReserve { get; private init; }

    /// <summary>Bytes the file system could hold.</summary>
    public long CapacityBytes => new DriveInfo(Root).TotalSize;

    /// <summary>Bytes that can still be written.</summary>
    public long FreeBytes => new DriveInfo(Root).AvailableFreeSpace;

    /// <summary>Mounts a disk of ours, unless this node's predecessor did already, and grows its file system to the device.</summary>
    internal static StorageDisk Mount(BlockDisk disk, string root)
    {
        Directory.CreateDirectory(root);
        MountPoint? there = Mounts.List().FirstOrDefault(m => m.Target == root);
        // A disk that was taken out and came back under another name has left a dead mount.
        if (there is not null && there.Source != disk.Path)
            _ = Mounts.TryUnmount(root, detach: true);
        if (there is null || there.Source != disk.Path)
            Mounts.Mount(disk.Path, root, "btrfs", MountFlags.NoAtime | MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec);
        using FileDescriptor directory = FileDescriptor.Open(root, OpenFlags.ReadOnly | OpenFlags.Directory);
        byte[] arguments = new byte[VolArgsBytes];
        Encoding.ASCII.GetBytes("max", arguments.AsSpan(PathNameOffset));
        if (directory.Ioctl(BTRFS_IOC_RESIZE, arguments) is var result && result < 0)
            throw new LinuxException((Errno)(-result), "BTRFS_IOC_RESIZE", disk.Path);
        // Before the directories are made: the state's is a subvolume.
        string? noReserve = StateReserve.TryHold(directory, root, new DriveInfo(root).TotalSize);
        StorageDisk mounted = new(root) { NoReserve = noReserve };
        mounted.Try();
        return mounted;
    }

    /// <summary>
    /// A file system that the kernel made read-only, or whose disk is gone, is found out here and not by the database. One that is full is well.
    /// </summary>
    private void Try()
    {
        string probe = StateDirectory + "/probe";
        try
        {
            DurableFile.Write(probe, "ZeroOS"u8);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOSPC or Errno.EDQUOT)
        {
            File.Delete(probe + DurableFile.Unfinished);
        }
        File.Delete(probe);
    }

    private static void DisableCopyOnWrite(string path)
    {
        using FileDescriptor directory = FileDescriptor.Open(path, OpenFlags.ReadOnly | OpenFlags.Directory);
        int flags = 0;
        // Memory file systems have no such flag and no need for it.
        if (directory.Ioctl(FS_IOC_GETFLAGS, ref flags) >= 0 && (flags & FS_NOCOW_FL) == 0)
        {
            flags |= FS_NOCOW_FL;
            _ = directory.Ioctl(FS_IOC_SETFLAGS, ref flags);
        }
    }
}
